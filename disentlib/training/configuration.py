"""What a run is: a frozen record of every choice that its result depends on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

MODELS = ("autoencoder", "vae", "beta_vae", "factor_vae")
CHOICES = {
    "model": MODELS,
    "schedule": ("constant", "one_cycle"),
    "optimizer": ("adam", "muon"),
    "precision": ("float32", "tf32", "bfloat16"),
}


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of one run; the defaults are the thesis' (Tables 2–4) where it has one.

    Raises `ValueError` in one line that names the value and what it may be, `TypeError`
    for a value of another type.
    """

    model: str
    D: int
    seed: int
    steps: int
    batch_size: int = 64
    learning_rate: float = 1e-4
    schedule: str = "constant"
    optimizer: str = "adam"
    beta: float = 4.0
    gamma: float = 40.0
    batch_norm: bool = True
    discriminator_learning_rate: float = 1e-4
    snapshots: tuple[
        int, ...
    ] = ()  # steps whose weights are kept as model-<step>.safetensors
    checkpoint_every: int = 1000
    log_every: int = 100
    evaluation_images: int = (
        0  # held-out images that the final losses are taken on; 0 for all
    )
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
                    f"{name} {getattr(self, name)!r} is unknown; "
                    f"choose one of {', '.join(choices)}"
                )
        for name in (
            "D",
            "steps",
            "batch_size",
            "checkpoint_every",
            "log_every",
            "threads",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)} must be at least 1")
        for name in ("seed", "split_seed", "beta", "gamma", "evaluation_images"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(
                    f"{name} {getattr(self, name)} must be 0 or more and finite"
                )
        for name in ("learning_rate", "discriminator_learning_rate"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(
                    f"{name} {getattr(self, name)} must be positive and finite"
                )
        if self.batch_norm and self.batch_size < 2:
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
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(content) - known):
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


def checked_type(name: str, value: Any, kind: Any) -> Any:
    """`value` as a `kind`; whole numbers pass as floats and lists as tuples, nothing
    else does.
    """
    if kind == tuple[int, ...]:
        if isinstance(value, list | tuple) and all(type(item) is int for item in value):
            return tuple(sorted(value))
        raise TypeError(f"{name} {value!r} must be a list of whole numbers")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError(f"{name} {value!r} must be of type {kind.__name__}")
    return value
