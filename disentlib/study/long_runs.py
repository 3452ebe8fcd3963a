"""What runs far past the study's budget become: one seed, the thesis' edge points."""

from collections.abc import Mapping

import pandas as pd

from disentlib.scoring.pictures import Pictures
from disentlib.study.evidence import Evidence
from disentlib.study.measures import with_dimensions
from disentlib.study.results import IDENTITY, Results
from disentlib.study.titles import title
from disentlib.study.words import number

SHOWN = {
    "held_out_reconstruction": "",
    "held_out_kl": "",
    "dimensions_in_use": "",
    "factor_vae_score": "sampled",
    "dci_disentanglement": "sampled",
}
DIGITS = {"held_out_reconstruction": 0, "held_out_kl": 1, "dimensions_in_use": 0}
FROM = 20_000  # steps; the table begins at the desk study's budget


def long_values(evidence: Evidence) -> pd.DataFrame:
    """A row a run and budget from `FROM` steps on, a column for each of `SHOWN`; empty
    where no long run is in.
    """
    results = evidence.beside.get("long")
    if results is None:
        return pd.DataFrame(columns=[*IDENTITY, "step", *SHOWN])
    table = with_dimensions(results)
    keys = [*IDENTITY, "step"]
    columns = [
        table[(table["measure"] == measure) & (table["codes"] == codes)]
        .set_index(keys)["value"]
        .rename(measure)
        for measure, codes in SHOWN.items()
    ]
    wide = pd.concat(columns, axis=1).reset_index()
    return wide[wide["step"] >= FROM].sort_values([*IDENTITY, "step"])


def long_table(values: pd.DataFrame) -> pd.DataFrame:
    """`long_values` as text."""
    shown = pd.DataFrame(
        {
            "run": [
                f"{title(m)}, D = {D}" for m, D in zip(values["model"], values["D"])
            ],
            "steps": [f"{step:,d}" for step in values["step"]],
        }
    )
    for measure in SHOWN:
        digits = DIGITS.get(measure, 2)
        shown[title(measure)] = [number(v, digits) for v in values[measure]]
    return shown


def long_pictures(results: Results) -> Mapping[str, Pictures]:
    """Pictures of each long run at its end, by name and steps."""
    ends = results.table.groupby(["model", "D"], sort=False)["step"].max()
    return {
        f"{title(model)}, D = {D}, {step:,d} steps": results.pictures(model, D)
        for (model, D), step in ends.items()
    }
