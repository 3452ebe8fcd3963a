"""The page on optimisers: runs on dSprites that differ in the optimiser or in batch
norm alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from disentlib.study.measures import budgets, count_in_use
from disentlib.study.recipes import means_table
from disentlib.study.results import Results, is_there, load_results
from disentlib.study.settings import PAIRED, where_trained
from disentlib.study.words import listed

NAMES = {"adam": "Adam", "hidden": "Adam with batch norm", "muon": "Muon", "sgd": "SGD"}
LEVELS = range(200, 100, -10)  # nats of the objective at which all are compared
NEAR = 5.0  # nats: a record this far below a level is still of it
COLUMNS = {"recipe": "optimiser", "reconstruction error": "error (nats)"}


@dataclass(frozen=True)
class SpriteRuns:
    """Runs by optimiser: their ways, a row a record with optimiser, model, D, seed,
    step, objective (at the weights of the step), in_use and `kl_0` …, and their mean
    scores as text, with `step`; `common` is the longest budget of all, `where` on what
    each optimiser's were trained.
    """

    ways: pd.DataFrame
    scores: pd.DataFrame
    common: int
    where: dict[str, str]


def sprite_runs() -> SpriteRuns | None:
    """Runs of one recipe by Adam, those of the desk study, and by others, of the
    models, D and seeds that all optimisers have; those of Adam with batch norm if they
    have them too. None where there are none.
    """
    if not (is_there("optimisers") and is_there("desk")):
        return None
    others, adams = load_results("optimisers"), load_results("desk")
    variants = others.table.groupby(PAIRED, as_index=False)["variant"].nunique()
    asked = variants[variants["variant"] == others.table["variant"].nunique()][PAIRED]
    if asked.empty:
        return None
    found = [_narrowed(adams, asked, variant="adam"), _narrowed(others, asked)]
    where = {"adam": listed([*where_trained(adams).values()])} | where_trained(others)
    if is_there("batch_norm"):
        normed = load_results("batch_norm")
        hidden = _narrowed(normed, asked.assign(variant="hidden"))
        if len(hidden.table[PAIRED].drop_duplicates()) == len(asked):
            found.append(hidden)
            where["hidden"] = where_trained(normed).get("hidden", "")
    scores = _scores(found, asked)
    ways = _ways(pd.concat([one.history for one in found], ignore_index=True))
    groups = asked.groupby(["model", "D"]).ngroups * ways["optimiser"].nunique()
    whole = scores.groupby("step").size() == groups
    if not whole.any():
        return None
    known = {NAMES.get(name, name): told for name, told in where.items() if told}
    return SpriteRuns(ways, scores, int(whole[whole].index.max()), known)


def _narrowed(results: Results, asked: pd.DataFrame, **columns: str) -> Results:
    """The results of the models, D and seeds (and variants) that are `asked` alone."""
    table, history = (
        part.assign(**columns).merge(asked, on=[*asked])
        for part in (results.table, results.history)
    )
    return replace(results, table=table, history=history)


def _scores(found: list[Results], asked: pd.DataFrame) -> pd.DataFrame:
    """Mean scores at each budget, of the optimisers that have all seeds there."""
    seeds = asked.groupby(["model", "D"])["seed"].nunique().rename("all")
    rows = []
    for results in found:
        table = results.table.merge(seeds, on=["model", "D"])
        at = table.groupby(["variant", "model", "D", "step"])["seed"]
        whole = table[at.transform("nunique") == table["all"]].drop(columns="all")
        for step in budgets(whole):
            means = means_table(replace(results, table=whole), step)
            rows.append(means.assign(step=step))
    scores = pd.concat(rows, ignore_index=True).rename(columns=COLUMNS)
    names = [NAMES.get(name, name) for name in scores["optimiser"]]
    return scores.assign(optimiser=names)


def _ways(history: pd.DataFrame) -> pd.DataFrame:
    kl = [name for name in history if name.startswith("kl_")]
    ways = history[[*PAIRED, "step", *kl]].assign(
        optimiser=[NAMES.get(name, name) for name in history["variant"]],
        objective=history["total"],
        in_use=count_in_use(history),
    )
    return ways.sort_values(["optimiser", *PAIRED, "step"], ignore_index=True)


def at_objective(ways: pd.DataFrame, level: float) -> pd.DataFrame:
    """Dimensions `in_use`, and the `step`, where each run's objective first comes to
    `level` nats: means over runs (of one D), a row an optimiser, of those whose runs
    were all seen within `NEAR` nats of it; a run that falls past a level between two
    records was not.
    """
    run = ["optimiser", *PAIRED]
    below = ways[ways["objective"] <= level].groupby(run).first()
    first = below[below["objective"] > level - NEAR].groupby("optimiser")
    asked = ways.drop_duplicates(run).groupby("optimiser").size()
    means = first[["in_use", "step"]].mean()
    return means[first.size() == asked.reindex(means.index)]


def shared_levels(ways: pd.DataFrame) -> Iterator[tuple[int, int, pd.DataFrame]]:
    """Each D, each of `LEVELS` that two optimisers reach there, from the highest, and
    what `at_objective` has of it.
    """
    for D, ours in ways.groupby("D"):
        for level in LEVELS:
            if len(means := at_objective(ours, level)) > 1:
                yield D, level, means


def levels_table(ways: pd.DataFrame) -> pd.DataFrame:
    """A row for each of `shared_levels`, and a column an optimiser: dimensions in use,
    and in brackets the step.
    """
    names, content = list(ways["optimiser"].unique()), []
    for D, level, means in shared_levels(ways):
        cells = {
            name: f"{row['in_use']:.1f} ({round(row['step'], -1):,.0f})"
            for name, row in means.iterrows()
        }
        content.append([D, f"{level}", *(cells.get(name, "–") for name in names)])
    return pd.DataFrame(content, columns=["D", "objective (nats)", *names])


def scores_table(found: SpriteRuns) -> pd.DataFrame:
    """The scores at the longest budget of all, and for each D at the longest that two
    optimisers have there.
    """
    parts = []
    for _, ours in found.scores.groupby(["model", "D"], sort=False):
        steps = {found.common, longest_of_two(ours)}
        parts.append(ours[ours["step"].isin(steps)].sort_values("step", kind="stable"))
    return pd.concat(parts).drop(columns=["step", "model", "runs"])


def of_first_model(rows: pd.DataFrame) -> pd.DataFrame:
    """Those of the model that comes first."""
    return rows[rows["model"] == rows["model"].iloc[0]]


def longest_of_two(scores: pd.DataFrame) -> int:
    """The longest budget at which two optimisers have scores (of one model and D)."""
    counts = scores.groupby("step").size()
    return int(counts[counts > 1].index.max())


def nats_of_each(found: SpriteRuns) -> dict[str, pd.DataFrame]:
    """The history of the first seed at the largest D by optimiser, as far as all have
    come.
    """
    ours = of_first_model(found.ways)
    ours = ours[ours["D"] == ours["D"].max()]
    ours = ours[ours["seed"] == ours["seed"].min()]
    last = ours.groupby("optimiser")["step"].max().min()
    ours = ours[ours["step"] <= last]
    return {str(name): own for name, own in ours.groupby("optimiser")}
