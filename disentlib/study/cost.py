"""What studies cost: hours and energy, added up from their tables."""

import pandas as pd

from disentlib.paths import RESULTS
from disentlib.study.results import Results, is_there, load_results
from disentlib.study.words import number

JOULES = 3.6e6  # in a kilowatt-hour
# The thesis' own hours and watts (its section 7.1).
MACHINES_OF_THE_THESIS = (("cluster", 180 + 120, 300), ("own card", 3000, 40))


def thesis_kilowatt_hours() -> float:
    """The thesis' energy from its own hours and watts."""
    return sum(hours * watts for _, hours, watts in MACHINES_OF_THE_THESIS) / 1000


def studies_there() -> list[Results]:
    """Every study whose results are in the repository and whose plan is known."""
    names = sorted(path.parent.name for path in RESULTS.glob("*/table.csv"))
    return [load_results(name) for name in names if is_there(name)]


def costs(results: Results) -> dict[str, float]:
    """Hours and kilowatt-hours of training of all runs of a study, and their number."""
    seconds = results.values("seconds")["value"].sum()
    joules = results.values("joules")["value"].sum()
    return {
        "runs": float(results.runs_there),
        "hours": float(seconds) / 3600,
        "kilowatt-hours": float(joules) / JOULES,
    }


def sources(results: Results) -> str:
    """Where a study's joules are from, as its runs say; an estimate in old tables."""
    said = {str(source) for source in results.run_rows.get("energy_source", ())} - {""}
    return "; ".join(sorted(said)) or "estimate: 10 W a busy core"


def cost_table() -> pd.DataFrame:
    """A row a study: runs, hours, kilowatt-hours and where they are from."""
    rows = []
    for results in studies_there():
        cost = costs(results)
        rows.append(
            {
                "study": results.study.title,
                "runs": f"{cost['runs']:.0f}",
                "hours of runs": number(cost["hours"], 2),
                "kWh": number(cost["kilowatt-hours"], 3),
                "counted by": sources(results),
            }
        )
    return pd.DataFrame(rows)


def page_values() -> dict[str, str]:
    """What the page's text glues, by name."""
    total = [costs(results) for results in studies_there()]
    hours, energy = (sum(c[k] for c in total) for k in ("hours", "kilowatt-hours"))
    thesis = thesis_kilowatt_hours()
    cluster, own = (hours * watts for _, hours, watts in MACHINES_OF_THE_THESIS)
    return {
        "hours": number(hours, 1),
        "kwh": number(energy, 2),
        "thesis": number(thesis, 0),
        "ratio": number(thesis / energy, 0),
        "cluster_kwh": number(cluster / 1000, 0),
        "own_kwh": number(own / 1000, 0),
    }
