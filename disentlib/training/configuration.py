"""What a run is: a frozen record of every choice that its result depends on."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

from disentlib.checks import checked_type, number, shown, whole_number

MODELS = ("autoencoder", "vae", "beta_vae", "factor_vae")
WEIGHT = {"beta_vae": "beta", "factor_vae": "gamma"}  # of a model's own term
CHOICES = {
    "model": MODELS,
    "schedule": ("constant", "one_cycle"),
    "optimizer": ("adam", "muon", "sgd"),
    "precision": ("auto", "float32", "tf32", "bfloat16"),
}
# Bounds that no study comes near, but a slip of the keyboard does.
WHOLE = {
    "D": (1, 4096),
    "seed": (0, 2**63 - 1),
    "split_seed": (0, 2**63 - 1),
    "steps": (1, 10**9),
    "warmup": (0, 10**9),
    "weight_steps": (0, 10**9),
    "batch_size": (1, 2**16),
    "checkpoint_every": (1, 10**9),
    "log_every": (1, 10**5),
    "evaluation_images": (0, 10**9),
    "threads": (1, 1024),
}
DEVICE = re.compile(r"cpu|cuda(:\d{1,3})?")


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of one run; the defaults are the thesis' (Tables 2–4) where it has one.

    Raises `ValueError` in one line that names the value and what it may be, `TypeError`
    for a value of another type.

    >>> TrainingConfig("beta_vae", D=10, seed=0, steps=100).beta
    4.0
    """

    model: str
    D: int
    seed: int
    steps: int
    batch_size: int = 64
    learning_rate: float = 1e-4
    schedule: str = "constant"
    warmup: int = 0  # steps over which a constant rate rises to its value
    average: float = 0.0  # decay of the weights' moving average; 0 keeps none
    optimizer: str = "adam"
    beta: float = 4.0
    gamma: float = 40.0
    weight_start: float = 1.0  # what beta or gamma is multiplied by at first
    weight_steps: int = 0  # steps over which it moves from there to its value
    batch_norm: bool = True
    mean_norm: bool = False  # batch norm of fixed scale on the posterior's means alone
    discriminator_learning_rate: float = 1e-4
    snapshots: tuple[int, ...] = ()  # steps kept as model-<step>.safetensors
    checkpoint_every: int = 1000
    log_every: int = 100
    evaluation_images: int = 0  # held-out images of the last losses; 0 for all
    device: str = "cpu"
    precision: str = "float32"
    compile: bool = False
    threads: int = 1
    split_seed: int = 0

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(TrainingConfig).items():
            object.__setattr__(
                self, name, checked_type(name, getattr(self, name), kind)
            )
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} {shown(getattr(self, name))} is unknown; "
                    f"choose one of {', '.join(choices)}"
                )
        for name, (least, most) in WHOLE.items():
            whole_number(name, getattr(self, name), least, most)
        for name in ("beta", "gamma"):
            number(name, getattr(self, name), least=0)
        number("weight_start", self.weight_start, least=0, most=1e6)
        for name in ("learning_rate", "discriminator_learning_rate"):
            number(name, getattr(self, name), above=0)
        number("average", self.average, least=0, below=1)
        if not DEVICE.fullmatch(self.device):
            raise ValueError(
                f"device {self.device!r} is unknown; give cpu, cuda or cuda:1"
            )
        if self.warmup and self.schedule != "constant":
            raise ValueError(f"warmup {self.warmup} is for a constant schedule; give 0")
        if (self.weight_steps > 0) != (self.weight_start != 1):
            raise ValueError(
                f"weight_start {self.weight_start:g} and weight_steps "
                f"{self.weight_steps} go together; give both, or 1 and 0"
            )
        if self.weight_steps and self.model not in WEIGHT:
            raise ValueError(
                f"weight_steps {self.weight_steps} moves the weight of "
                f"{' or '.join(WEIGHT)}; give 0 for {self.model}"
            )
        if (self.batch_norm or self.mean_norm) and self.batch_size < 2:
            raise ValueError(
                "batch_size 1 has no batch statistics; use 2 or more, or no batch_norm"
            )
        if outside := [step for step in self.snapshots if not 1 <= step <= self.steps]:
            raise ValueError(
                f"snapshots {outside} lie outside the run's 1 to {self.steps} steps"
            )

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "TrainingConfig":
        """A configuration from plain data, say JSON; `ValueError` names unknown or
        missing keys.
        """
        if not isinstance(content, Mapping):
            raise ValueError(f"settings {shown(content)} must be a mapping")
        known = {field.name for field in fields(cls)}
        if unknown := sorted(map(str, set(content) - known)):
            raise ValueError(
                f"unknown setting {', '.join(unknown)}; the settings are "
                f"{', '.join(sorted(known))}"
            )
        if missing := [
            name for name in ("model", "D", "seed", "steps") if name not in content
        ]:
            raise ValueError(f"no value for {', '.join(missing)}")
        return cls(**content)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` and JSON take back to the same configuration."""
        return asdict(self) | {"snapshots": list(self.snapshots)}


def on_card(device: str) -> bool:
    """Whether a device of a configuration is a graphics card."""
    return device.startswith("cuda")


def check_device(device: str) -> None:
    """Raise `ValueError` in one line for what is no device, and for a card that this
    machine does not have.
    """
    if not isinstance(device, str) or not DEVICE.fullmatch(device):
        raise ValueError(
            f"device={shown(device)} is none; give cpu, cuda, or cuda:1 and so on"
        )
    if not on_card(device):
        return
    import torch  # not for who asks for the processor

    cards = torch.cuda.device_count()
    if int(device.partition(":")[2] or 0) >= cards:
        raise ValueError(
            f"device {device!r} is not here: torch sees {cards} graphics cards; "
            "give device=cpu, or one that is there"
        )
