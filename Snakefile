# From a study's file to a built book: train each run, score it, collect, build.
# `make study STUDY=quick` calls it; `--config study=desk device=cuda` chooses.
import sys
from pathlib import Path

from disentlib.study.plan import arguments, load_study

STUDY = config.get("study", "quick")
OVERRIDES = {name: config[name] for name in ("device", "precision", "compile") if name in config}
try:
    study = load_study(STUDY, **OVERRIDES)
except ValueError as error:
    raise WorkflowError(str(error)) from None
RUNS = {run.key: run for run in study.runs}
PYTHON = sys.executable  # that of Snakemake, also where the environment is not activated
# `exec` below: a SIGTERM to the job reaches Python, not a shell in between.
FOLDER = f"runs/{STUDY}/{{run}}"


def flags(settings):
    """Parameters of a page as its command line has them."""
    quoted = {name: str(value).replace(" ", "") for name, value in arguments(settings).items()}
    return " ".join(f"-p {name} '{value}'" for name, value in quoted.items())


wildcard_constraints:
    run="|".join(RUNS),


localrules:
    all,
    table,
    collect,
    book,


rule all:
    input:
        f"_build/{STUDY}.built",
        expand(f"{FOLDER}/scores.csv", run=RUNS),


# Each run is asked for by name here and above: Snakemake does not miss a file between two others.
rule table:
    input:
        f"results/{STUDY}/table.csv",
        expand(f"{FOLDER}/scores.csv", run=RUNS),


# Checkpoints lie in the run's folder too and outlive a job: a run that is started again goes on.
rule train:
    output:
        f"{FOLDER}/result.json",
        f"{FOLDER}/model.safetensors",
        f"{FOLDER}/history.csv",
    params:
        flags=lambda wildcards: flags(RUNS[wildcards.run].config),
    log:
        notebook=f"{FOLDER}/training.ipynb",
    threads: lambda wildcards: RUNS[wildcards.run].config.threads
    resources:
        mem_mb=3000,
        runtime=1440,
        gpu_slots=lambda wildcards: int(RUNS[wildcards.run].config.device.startswith("cuda")),
    message:
        "Training {wildcards.run}"
    shell:
        f"exec {PYTHON} -m disentlib.study.pages notebooks/training.md {{log.notebook}} {{params.flags}}"
        f" -p folder runs/{STUDY}/{{wildcards.run}}"


rule score:
    input:
        f"{FOLDER}/result.json",
        f"{FOLDER}/model.safetensors",
    output:
        f"{FOLDER}/scores.csv",
        f"{FOLDER}/pictures.npz",
    params:
        flags=flags(study.scoring),
    log:
        notebook=f"{FOLDER}/scoring.ipynb",
    resources:
        mem_mb=4000,
        runtime=120,
    message:
        "Scoring {wildcards.run}"
    shell:
        f"exec {PYTHON} -m disentlib.study.pages notebooks/scoring.md {{log.notebook}} {{params.flags}}"
        f" -p conventions False -p folder runs/{STUDY}/{{wildcards.run}}"


rule collect:
    input:
        expand(f"{FOLDER}/scores.csv", run=RUNS),
        expand(f"{FOLDER}/pictures.npz", run=RUNS),
    output:
        f"results/{STUDY}/table.csv",
        f"results/{STUDY}/history.csv",
    message:
        "Collecting the study's table"
    shell:
        f"{PYTHON} -m disentlib.study.results {STUDY} && {PYTHON} -m disentlib.study.explorer {STUDY}"


rule book:
    input:
        rules.collect.output,
        "_config.yml",
        "_toc.yml",
        sorted(Path("notebooks").glob("*.md")),
        sorted(Path("book").glob("*.md")),
        sorted(Path("disentlib").rglob("*.py")),
    output:
        f"_build/{STUDY}.built",
    message:
        "Building the book"
    shell:
        f"STUDY={STUDY} {PYTHON} -m disentlib.study.book"
