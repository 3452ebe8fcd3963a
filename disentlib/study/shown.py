"""What the results' page shows: pictures, figures of several studies, its values."""

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from disentlib.scoring.pictures import Pictures
from disentlib.sprites.grid import GRID
from disentlib.study import sentences, verdicts_beside
from disentlib.study.answer import answer, of_runaways, thesis_effects
from disentlib.study.batch_norm import (
    norm_finding,
    norm_sentence,
    slopes_in_words,
)
from disentlib.study.budgets import along_budgets
from disentlib.study.dimensions import advice_sentence
from disentlib.study.evidence import Evidence
from disentlib.study.figures.hinton import hinton
from disentlib.study.figures.pictures import reconstructions
from disentlib.study.figures.read import Block, read_blocks
from disentlib.study.figures.settings import against_setting, budget_curves
from disentlib.study.long_runs import (
    long_pictures,
    long_table,
    long_values,
)
from disentlib.study.measures import MEAN_OF_THREE, THESIS
from disentlib.study.norm_control import means_finding
from disentlib.study.pictured import purity_sentence, squares_sentence
from disentlib.study.published import longer_training
from disentlib.study.results import IDENTITY
from disentlib.study.score_noise import noise_sentence
from disentlib.study.settings import SYMBOL, weight_runs
from disentlib.study.tables import budget_rows
from disentlib.study.titles import title
from disentlib.study.verdicts import Verdict
from disentlib.study.words import counted, listed, number
from disentlib.training.history import IN_USE_NATS


def pictures(evidence: Evidence, model: str) -> dict[str, Pictures]:
    """Pictures of the first seed of a model at each D, by name; runs that ran away are
    marked.
    """
    out = {
        (run["model"], run["D"], run["seed"]) for _, run in evidence.runaways.iterrows()
    }
    shown = {}
    for D in evidence.levels:
        whose = model, D, pictured_seed(evidence, model, D)
        mark = " (ran away)" if whose in out else ""
        try:
            shown[f"D = {D}{mark}"] = evidence.main.pictures(model, D)
        except FileNotFoundError:
            continue
    return shown


def pictured_seed(evidence: Evidence, model: str, D: int) -> int:
    """The seed whose pictures are kept: the study's first that has results."""
    ours = evidence.table[evidence.table["model"] == model]
    there = set(ours.loc[ours["D"] == D, "seed"])
    seeds = evidence.main.study.values("seed")
    return int(next((seed for seed in seeds if seed in there), seeds[0]))


def rows_in_use(evidence: Evidence, model: str, D: int, seed: int) -> list[int]:
    """The run's dimensions in use at the end, those with the most nats first."""
    wanted = dict(zip(IDENTITY[1:], (model, D, seed)))
    history = evidence.main.history
    for name, value in wanted.items():
        history = history[history[name] == value]
    if history.empty:
        return list(range(D))
    kl = history[[f"kl_{d}" for d in range(D)]].iloc[-1].to_numpy()
    return [int(d) for d in np.argsort(-kl) if kl[d] > IN_USE_NATS]


def traversal_figure(evidence: Evidence, model: str) -> Figure | None:
    """The first seed's traversals at each D: rows in use, with what they do where the
    pictures were read; the others are counted in the title. None where no pictures are
    kept.
    """
    blocks = []
    for name, one in pictures(evidence, model).items():
        D = len(one.traversals)
        rows = rows_in_use(evidence, model, D, pictured_seed(evidence, model, D))
        idle = counted(D - len(rows), "row")
        still = f"; {idle} without information left out" if len(rows) < D else ""
        said = [_label(one, d) for d in rows]
        blocks.append(Block(f"{name}{still}", one.traversals[rows], said))
    return read_blocks(blocks) if blocks else None


def _label(one: Pictures, d: int) -> str:
    """A row's name; if it was read, the first two things that it does, one a line, and
    how pure it is.
    """
    if one.words is None or one.shares is None:
        return f"z{d}"
    parts = str(one.words[d]).split("; ")
    purity = number(float(one.shares[d].max()), 2)
    return f"z{d}: " + "\n".join(parts[:2]) + f" ({purity})"


def budget_figure(evidence: Evidence) -> Figure:
    """Two scores and the dimensions in use at every budget."""
    shown = {
        "factor_vae_score": "FactorVAE score",
        "dci_disentanglement": "DCI",
        "dimensions_in_use": "in use",
    }
    return budget_curves(budget_rows(evidence, shown), shown)


def weights_figure(evidence: Evidence) -> Figure:
    """The thesis' scores against β and γ."""
    values = weight_runs(evidence.beside["weights"], THESIS)
    return against_setting(values, "weight", "model", SYMBOL, MEAN_OF_THREE)


def batches_figure(evidence: Evidence) -> Figure:
    """The thesis' scores against the batch, by both rules of counting."""
    values = verdicts_beside.batch_values(evidence.beside["batches"])
    values["rule"] = "equal " + values["rule"]
    label = dict.fromkeys(values["rule"], "images a batch")
    return against_setting(values, "batch_size", "rule", label, MEAN_OF_THREE)


def long_figure(evidence: Evidence) -> Figure:
    """Reconstructions at the end of the long runs."""
    ends = long_pictures(evidence.beside["long"])
    pairs = {name: (one.originals, one.reconstructions) for name, one in ends.items()}
    return reconstructions(pairs)


def long_rows(evidence: Evidence) -> pd.DataFrame:
    """The long runs, budget by budget, as text."""
    return long_table(long_values(evidence))


def show_beside(evidence: Evidence, name: str) -> None:
    """Draw the figure of a study beside the main one, where it is in."""
    draw = {"weights": weights_figure, "batches": batches_figure, "long": long_figure}
    if name in evidence.beside:
        draw[name](evidence)
        plt.show()


def hinton_figure(evidence: Evidence, model: str) -> Figure | None:
    """Importances of the first seed at each D; None where no pictures are kept."""
    ours = pictures(evidence, model)
    matrices = {name: one.importances for name, one in ours.items()}
    return hinton(matrices, GRID.names) if matrices else None


def show_pictures(
    draw: Callable[[Evidence, str], Figure | None],
    evidence: Evidence,
    model: str,
) -> None:
    """Draw a figure of a model's pictures, where some are kept."""
    if draw(evidence, model) is not None:
        plt.show()


def verdict_sentence(name: str, rows: list[Verdict]) -> str:
    """Verdicts of a study beside the main one; the table of claims has the numbers."""
    if all(row.number == "–" for row in rows):
        return f"No study of {name} is in: the claim is not decided."
    return " ".join(f"{row.claim} *{row.decision.capitalize()}.*" for row in rows)


def page_values(evidence: Evidence) -> Mapping[str, str]:
    """What the page's text glues, by name: sentences and lists, as Markdown."""
    study = evidence.main.study
    best = thesis_effects(evidence, "best")
    above = thesis_effects(evidence, "above")
    nothing = "there are no runs to tell."
    first, last = (pictures(evidence, evidence.models[i]) for i in (0, -1))
    return {
        "rows_first": purity_sentence(first),
        "rows_last": purity_sentence(last),
        "squares_first": squares_sentence(first),
        "squares_last": squares_sentence(last),
        "title": study.title,
        "budget": study.budget,
        "models": listed([title(model) for model in evidence.models]),
        "levels": listed(evidence.levels),
        "seeds": f"seed{'s'[: len(evidence.seeds) > 1]} {listed(evidence.seeds)}",
        "runs": f"{evidence.main.runs_there} of {counted(len(study.runs), 'run')}"
        f"{sentences.of_the_last_budget(evidence)}",
        "answer": answer(evidence),
        "thesis": sentences.effects_sentence(thesis_effects(evidence), "slope"),
        "spread": sentences.seeds_sentence(evidence),
        "noise": noise_sentence(evidence),
        "occasions": sentences.occasions_sentence(evidence),
        "pairing": sentences.pairing_sentence(evidence),
        "best": sentences.effects_sentence(best, "contrast") if best else nothing,
        "above": sentences.effects_sentence(above, "contrast") if above else nothing,
        "families": sentences.every_sentence(evidence),
        "codes": sentences.codes_sentence(evidence),
        "excess": sentences.excess_sentence(evidence),
        "plateau": sentences.plateau_sentence(evidence),
        "advice": advice_sentence(evidence),
        "dimensions": sentences.dimensions_sentence(evidence),
        "budgets": along_budgets(evidence)
        or "The runs were scored at their end alone, so nothing is known of the way.",
        "weights": verdict_sentence("weights", [verdicts_beside.weights(evidence)]),
        "weights_gain": verdicts_beside.gain_sentence(evidence),
        "batches": verdict_sentence("batches", verdicts_beside.batches(evidence)),
        "batches_change": verdicts_beside.doublings_told(evidence),
        "norm": norm_sentence(evidence),
        "norm_finding": norm_finding(evidence),
        "norm_means": means_finding(evidence),
        "norm_slopes": slopes_in_words(evidence) or "nothing to tell yet",
        "longer": longer_training(evidence),
        "losses": sentences.losses_sentence(evidence),
        "runaways": of_runaways(evidence) or "No run stands out by its divergence.",
        "reconstruction": sentences.reconstruction_sentence(evidence),
    }
