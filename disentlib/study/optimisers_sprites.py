"""The page on optimisers: runs on dSprites that differ in the optimiser alone."""

from dataclasses import dataclass, replace

import pandas as pd

from disentlib.study.measures import budgets
from disentlib.study.recipes import means_table
from disentlib.study.results import Results, is_there, load_results
from disentlib.study.settings import PAIRED, where_trained
from disentlib.study.words import all_counted, counted, listed, number
from disentlib.training.history import in_use

NAMES = {"adam": "Adam", "muon": "Muon", "sgd": "SGD"}
LEVELS = range(200, 100, -10)  # nats of the objective at which all are compared
NEAR = 5.0  # nats: a record this far below a level is still of it


@dataclass(frozen=True)
class SpriteRuns:
    """Runs by optimiser: their ways, a row a record with optimiser, model, D, seed,
    step, objective and in_use, and their scores at the longest budget of all; `whose`
    says which runs they are, `where` on what each optimiser's were trained.
    """

    ways: pd.DataFrame
    scores: pd.DataFrame
    step: int
    whose: str
    where: dict[str, str]


def sprite_runs() -> SpriteRuns | None:
    """Runs of one recipe by Adam and by others, of the models, D and seeds that all
    optimisers have.

    Those of the study of optimisers and the desk study, else the recipe study's; None
    where there are none.
    """
    found = _with_the_desk() or _of_the_recipes()
    if found is None:
        return None
    others, adams, whose = found
    where = {"adam": listed([*where_trained(adams).values()])} | where_trained(others)
    variants = others.table.groupby(PAIRED, as_index=False)["variant"].nunique()
    asked = variants[variants["variant"] == others.table["variant"].nunique()][PAIRED]
    if asked.empty:
        return None
    others = _narrowed(others, asked)
    adams = _narrowed(adams, asked, variant="adam")
    own = pd.concat([adams.table, others.table]).groupby("variant")
    shared = set.intersection(*(set(budgets(table)) for _, table in own))
    if not shared:
        return None
    step = max(shared)
    scores = pd.concat([means_table(results, step) for results in (adams, others)])
    ways = _ways(pd.concat([adams.history, others.history], ignore_index=True))
    known = {NAMES.get(name, name): told for name, told in where.items() if told}
    return SpriteRuns(ways, _named(scores), step, whose, known)


def _narrowed(results: Results, asked: pd.DataFrame, **columns: str) -> Results:
    """The results of the models, D and seeds that are `asked` alone."""
    table, history = (
        part.assign(**columns).merge(asked, on=PAIRED)
        for part in (results.table, results.history)
    )
    return replace(results, table=table, history=history)


def _with_the_desk() -> tuple[Results, Results, str] | None:
    whose = (
        "The runs are those of the study of optimisers; Adam's are the desk study's."
    )
    if not (is_there("optimisers") and is_there("desk")):
        return None
    return load_results("optimisers"), load_results("desk"), whose


def _of_the_recipes() -> tuple[Results, Results, str] | None:
    whose = "The runs are the recipe study's `plain`, by Adam, and `muon`."
    if not is_there("recipe"):
        return None
    recipe = load_results("recipe")
    muon, plain = (
        replace(
            recipe,
            table=recipe.table[recipe.table["variant"] == variant],
            history=recipe.history[recipe.history["variant"] == variant],
        )
        for variant in ("muon", "plain")
    )
    return (muon, plain, whose) if len(muon.table) and len(plain.table) else None


def _ways(history: pd.DataFrame) -> pd.DataFrame:
    ways = history[[*PAIRED, "step"]].assign(
        optimiser=[NAMES.get(name, name) for name in history["variant"]],
        objective=history["total"],
        in_use=in_use(history),
    )
    return ways.sort_values(["optimiser", *PAIRED, "step"], ignore_index=True)


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    names = [NAMES.get(name, name) for name in rows["recipe"]]
    return rows.assign(recipe=names).rename(columns={"recipe": "optimiser"})


def at_objective(ways: pd.DataFrame, level: float) -> pd.Series:
    """Dimensions in use where each run's objective first comes to `level` nats: mean
    over runs (of one D) by optimiser, of the optimisers whose runs were all seen within
    `NEAR` nats of it; a run that falls past a level between two records was not.
    """
    run = ["optimiser", *PAIRED]
    below = ways[ways["objective"] <= level].groupby(run).first()
    first = below.loc[below["objective"] > level - NEAR, "in_use"]
    there = first.groupby("optimiser").agg(["mean", "size"])
    asked = ways.drop_duplicates(run).groupby("optimiser").size()
    return there["mean"][there["size"] == asked.reindex(there.index)]


def levels_table(ways: pd.DataFrame) -> pd.DataFrame:
    """A row for each D and each of `LEVELS` that two optimisers reach there, and a
    column an optimiser.
    """
    names = list(ways["optimiser"].unique())
    content = [
        [D, f"{level}", *(number(means.get(name, float("nan")), 1) for name in names)]
        for D, ours in ways.groupby("D")
        for level in LEVELS
        if len(means := at_objective(ours, level)) > 1
    ]
    return pd.DataFrame(content, columns=["D", "objective (nats)", *names])


def sprites_sentence(found: SpriteRuns | None) -> str:
    """Dimensions in use, reconstruction and score of each optimiser at an equal number
    of steps: of the first model at the D with the most runs, the largest of those.
    """
    if found is None:
        return "No runs on dSprites by different optimisers are in yet."
    rows = found.scores[found.scores["model"] == found.scores["model"].iloc[0]]
    runs_at = rows.groupby("D")["runs"].min()
    most = runs_at[runs_at == runs_at.max()].index.max()
    rows = rows[rows["D"] == most]
    parts = [
        f"{row['optimiser']} has {row['dimensions in use']} dimensions in use, a "
        f"reconstruction error of {row['reconstruction error']} nats and a FactorVAE "
        f"score of {row['FactorVAE score']} ({counted(row['runs'], 'run')})"
        for _, row in rows.iterrows()
    ]
    apart = ""
    if len(set(found.where.values())) > 1:
        told = [f"{name} {words}" for name, words in found.where.items()]
        apart = f" They also differ in where they were trained: {'; '.join(told)}."
    return (
        f"{found.whose}{apart} After {found.step:,d} steps at D = {most}, "
        f"{'; '.join(parts)}."
    )


def equal_sentence(found: SpriteRuns | None) -> str:
    """How many dimensions are in use at the lowest level that two optimisers reach, of
    each D.
    """
    equal = None if found is None else levels_table(found.ways)
    if equal is None or not len(equal):
        return "No two optimisers have come to an equal objective yet."
    told = []
    for _, row in equal.drop_duplicates("D", keep="last").iterrows():
        means = [f"{name} {row[name]}" for name in row.index[2:] if row[name] != "–"]
        nats = row["objective (nats)"]
        told.append(f"to {nats} nats at D = {row['D']}: {listed(means)}")
    return f"Dimensions in use where the objective first comes {'; '.join(told)}."


def full_sentence(found: SpriteRuns | None) -> str:
    """The scores at the largest D of which two optimisers use every dimension: what
    differs there is not their number.
    """
    if found is not None:
        rows = found.scores[found.scores["model"] == found.scores["model"].iloc[0]]
        used = pd.to_numeric(rows["dimensions in use"], errors="coerce")
        full = rows[used == rows["D"]]
        for D, own in sorted(full.groupby("D"), reverse=True):
            if len(own) > 1:
                counts = list(own["runs"])
                each = " each" * (len(set(counts)) == 1)
                told = [
                    f"{row['FactorVAE score']} and {row['DCI disentanglement']} by "
                    f"{row['optimiser']}"
                    for _, row in own.iterrows()
                ]
                return (
                    f"At D = {D} {listed(list(own['optimiser']))} use every dimension, "
                    f"so that what differs there is not their number: the FactorVAE "
                    f"score and DCI disentanglement are {listed(told)} "
                    f"({all_counted(counts, 'run')}{each})."
                )
    return "At no D do two optimisers use every dimension."
