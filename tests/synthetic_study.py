"""Tables of a study that nobody ran, with what D does to them planted.

For the pages and the statistics: any number of seeds, runs that are missing, a run that
ran away.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from disentlib.paths import STUDIES
from disentlib.scoring.pictures import COLUMNS, Pictures, save_pictures
from disentlib.scoring.sizes import EXCESS
from disentlib.study import plan
from disentlib.study.measures import EVERY
from disentlib.study.results import IDENTITY, Results, load_results, picture_name

LEVELS = (4, 6, 8, 10, 15)
SCORES = [*EVERY]
SCORES += ["pruned_factor_vae_score"]
NOISE = 0.02  # between seeds
PER_TEN = {"modularity": -0.10, "irs": -0.12}  # planted slopes; the others have none

Effect = Callable[[str, str, int], float]  # measure, model, D


def no_effect(measure: str, model: str, D: int) -> float:
    return 0.0


def planted(measure: str, model: str, D: int) -> float:
    return PER_TEN.get(measure, 0.0) * D / 10


def synthetic(
    folder: Path,
    seeds: int = 3,
    steps: Iterable[int] = (500, 1000),
    levels: Iterable[int] = LEVELS,
    effect: Effect = planted,
    missing: Iterable[tuple] = (),
    runaway: tuple | None = None,
    excess: bool = True,
    pictures: bool = True,
    variants: dict | None = None,
    noise: float = NOISE,
    name: str = "made",
) -> Results:
    """A study `name` under `folder`, as `collect` leaves it, loaded.

    `missing` and `runaway` are (model, D, seed); `variants` maps names to settings, as a
    study's file does, and `effect` then sees the name before the measure, with a slash.
    """
    steps, levels, missing = list(steps), list(levels), set(missing)
    content = {
        "title": "Made by hand",
        "budget": f"{steps[-1]} steps a run",
        "grid": {
            "model": ["beta_vae", "factor_vae"],
            "D": levels,
            "seed": [1000 * i for i in range(seeds)],
        },
        "training": {"steps": steps[-1], "batch_norm": False},
        "scoring": {"train": 70, "test": 30},
    } | ({"variants": variants} if variants else {})
    assert plan.STUDIES != STUDIES, "set plan.STUDIES: a study of ours would be lost"
    plan.STUDIES.mkdir(parents=True, exist_ok=True)
    (plan.STUDIES / f"{name}.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    study = plan.load_study(name)
    rng = np.random.default_rng(0)
    table, history = [], []
    for run in study.runs:
        own = (run.variant, run.config.model, run.config.D, run.config.seed)
        if own[1:] in missing:
            continue
        away = own[1:] == runaway
        table += _rows(own, steps, effect, excess, away, rng, noise)
        history.append(_history(own, steps, away))
        there = folder / name / "pictures" / picture_name(own[1], own[2], own[0])
        if pictures and not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            save_pictures(there, _pictures(own[2]))
    columns = [*IDENTITY, "step", "codes", "measure", "value", "spread"]
    (folder / name).mkdir(parents=True, exist_ok=True)
    pd.DataFrame(table, columns=columns).to_csv(
        folder / name / "table.csv", index=False
    )
    pd.concat(history).to_csv(folder / name / "history.csv", index=False)
    return load_results(name, folder)


def _rows(own, steps, effect, excess, away, rng, noise):
    variant, model, D, _ = own
    prefix = f"{variant}/" if variant else ""
    rows = []
    for step in steps:
        for codes in ("sampled", "mean"):
            for score in SCORES:
                value = 0.6 + effect(prefix + score, model, D) + noise * rng.normal()
                rows.append((*own, step, codes, score, value, 0.01))
                if excess:
                    rotated = 0.3 + 0.01 * rng.normal()
                    rows.append(
                        (*own, step, codes, score + EXCESS, value - rotated, 0.01)
                    )
    base = 80 + effect(prefix + "held_out_reconstruction", model, D)
    losses = {
        "held_out_reconstruction": base + rng.normal() + 30 * away,
        "held_out_kl": 12 + 0.1 * rng.normal() + 20 * away,
        "active_dimensions": float(D),
        "seconds": 100.0,
        "joules": 3600.0,
    }
    return rows + [(*own, steps[-1], "", k, v, np.nan) for k, v in losses.items()]


def _history(own, steps, away):
    """Five dimensions in use of a β-VAE, all of FactorVAE, at twenty places a run."""
    _, model, D, _ = own
    step = np.linspace(steps[0] / 4, steps[-1], 20).astype(int)
    used = D if model == "factor_vae" else min(D, 5)
    frame = pd.DataFrame({"step": step, "epoch": step / 100, "seconds": step / 10})
    frame["reconstruction"] = 80 + 1000 / step
    frame["kl"] = 12.0 + 20 * away
    frame["total_correlation"] = 0.2 if model == "factor_vae" else np.nan
    frame["total"] = frame["reconstruction"] + 4 * frame["kl"]
    frame["active"] = D
    frame["discriminator_accuracy"] = 0.5 if model == "factor_vae" else np.nan
    for d in range(max(LEVELS)):
        frame[f"kl_{d}"] = np.nan if d >= D else 2.0 if d < used else 0.02
    return frame.assign(**dict(zip(IDENTITY, own)))


def _pictures(D):
    ten = np.zeros((10, 64, 64), np.uint8)
    tiles = np.zeros((D, COLUMNS, 64, 64), np.uint8)
    importances = np.eye(D, 5, dtype=np.float32)
    importances[5:, 1] = 1.0
    words = np.array(["3 pixels down; scale +0.1; turns 9° clockwise"] * D)
    measured = np.full(D, 0.5, np.float32)  # movement, distance
    return Pictures(
        ten, ten, tiles, importances, words, importances, measured, measured
    )
