"""The page on optimisers: linear models, where the optimum is known."""

import pandas as pd

from disentlib.models.linear import LinearProblem
from disentlib.study.measures import count_in_use
from disentlib.study.words import number
from disentlib.training.history import IN_USE_NATS
from disentlib.training.linear import OPTIMISERS, train_linear

OFFERED, SEEDS, STEPS = 10, (0, 1, 2), 1200
RATES = {"Adam": 0.01, "Muon": 0.01, "SGD": 0.0005}
LEVELS = (5.0, 2.0, 1.0)  # nats above the least objective at which all are compared


def linear_records(problem: LinearProblem) -> pd.DataFrame:
    """The ways of every optimiser and seed (`train_linear`), with `in_use`."""
    parts = [
        train_linear(
            problem, name, OFFERED, seed, STEPS, RATES[name], decay_from=0.67, record=10
        )
        for name in OPTIMISERS
        for seed in SEEDS
    ]
    records = pd.concat(parts, ignore_index=True)
    return records.assign(in_use=count_in_use(records))


def known_count(problem: LinearProblem) -> int:
    """How many dimensions the theorem puts above the threshold of use."""
    return int((problem.optimal_kl(OFFERED) > IN_USE_NATS).sum())


def at_gap(records: pd.DataFrame, gap: float) -> pd.Series:
    """Dimensions in use where each run's objective first comes within `gap` nats of the
    least: mean over seeds by optimiser, of those that come there.
    """
    reached = records[records["gap"] <= gap]
    first = reached.groupby(["optimiser", "seed"], sort=False)["in_use"].first()
    return first.groupby("optimiser", sort=False).mean()


def page_values(problem: LinearProblem, records: pd.DataFrame) -> dict[str, str]:
    """What the page's text glues, by name."""
    last = records.groupby(["optimiser", "seed"], sort=False)[["gap", "in_use"]].last()
    ends = last.groupby("optimiser", sort=False).agg(
        {"gap": "mean", "in_use": ["min", "max"]}
    )
    k = known_count(problem)
    parts = [
        f"{name} {_span(row['in_use', 'min'], row['in_use', 'max'])} at "
        f"{number(row['gap', 'mean'], 2)} nats from the optimum"
        for name, row in ends.iterrows()
    ]
    equal = []
    for gap in LEVELS:
        means = at_gap(records, gap)
        counts = [f"{name} {number(mean, 1)}" for name, mean in means.items()]
        unit = "nat" if gap == 1 else "nats"
        equal.append(f"within {gap:g} {unit}, {', '.join(counts)}")
    right = int((last["in_use"] == k).sum())
    shown = (
        f"all three optimisers end with the theorem's {k} dimensions, for every seed."
        if right == len(last)
        else f"of {len(last)} runs, {right} end with the theorem's {k} dimensions."
    )
    return {
        "k": str(k),
        "linear": f"Dimensions in use in the end: {'; '.join(parts)}.",
        "equal": f"At an equal objective (means over seeds): {'; '.join(equal)}.",
        "shown": shown,
    }


def _span(low: float, high: float) -> str:
    return f"{int(low)}" if low == high else f"{int(low)} to {int(high)}"
