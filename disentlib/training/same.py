"""Whether a stored configuration is that of a run, which may be longer since."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from disentlib.training.configuration import TrainingConfig

UNCOMPARED = {"checkpoint_every"}  # no weight depends on it
STEPS_MATTER = ("one_cycle",)  # schedules whose rate depends on the number of steps


def settings_then(found: Mapping[str, Any]) -> dict[str, Any]:
    """A stored configuration, with settings that are newer than it as they were then.

    A setting that did not exist had the value that it was introduced with, its default:
    a release that adds one makes no old run foreign.
    """
    if not isinstance(found, Mapping):
        raise ValueError(f"a configuration must be a mapping, not {found!r}")
    defaults = {
        field.name: field.default
        for field in fields(TrainingConfig)
        if field.default is not MISSING
    }
    return defaults | dict(found)


def whose(config: TrainingConfig) -> dict[str, Any]:
    """What a model says of the run that it is of: the settings that no extension of it
    may change.
    """
    grows = {"snapshots"} if config.schedule in STEPS_MATTER else {"snapshots", "steps"}
    content = config.to_dict()
    return {n: v for n, v in content.items() if n not in grows | UNCOMPARED}


def require_whose(facts: Mapping[str, Any], config: TrainingConfig, path: Path) -> None:
    """Raise `ValueError` as `require_same` where a model's facts say that it is another
    run's; older files do not say whose they are.
    """
    wanted, found = config.to_dict(), facts.get("config")
    if found is not None:
        grows = {n: wanted[n] for n in ("steps", "snapshots")}
        require_same(grows | found, wanted, path)


def require_same(
    found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path
) -> None:
    """Raise `ValueError` that names the settings in which a stored configuration
    differs.

    A run that can go on for longer is no other one: `steps` may have grown, unless the
    schedule depends on them, and so may `snapshots`. `UNCOMPARED` are free.
    """
    found, wanted = settings_then(found), settings_then(wanted)
    names = {n for n in {*found, *wanted} if found.get(n) != wanted.get(n)}
    names -= UNCOMPARED
    grown = wanted.get("steps", 0) >= found.get("steps", 0)
    if grown and wanted.get("schedule") not in STEPS_MATTER:
        names -= {"steps"}
    lost = {*found["snapshots"]} - {*wanted["snapshots"]}
    if wanted.get("precision") == "auto":  # what the run began with
        names -= {"precision"}
    if not lost and "steps" not in names:
        names -= {"snapshots"}
    if names:
        pairs = ", ".join(
            f"{n} {found.get(n)!r}, not {wanted.get(n)!r}" for n in sorted(names)
        )
        raise ValueError(
            f"{path} is of another configuration ({pairs}); "
            "give its settings, or move its folder away, or choose another"
        )
