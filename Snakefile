# From a study's file to a built book: train each run, score it, collect, build.
# `make study STUDY=quick` calls it; `--config study=desk device=cuda` chooses.
import sys

from disentlib.study.marks import remove_stale_marks
from disentlib.study.plan import OVERRIDES, check_folders, load_study
from disentlib.study.sources import results_beside, sources

STUDY = str(config.get("study", "quick"))
GIVEN = {name: config[name] for name in OVERRIDES if name in config}
try:
    study = load_study(STUDY, **GIVEN)
    check_folders(study)  # before anything is touched
    remove_stale_marks(study)
except (ValueError, OSError) as error:
    raise WorkflowError(str(error)) from None
RUNS = {run.key: run for run in study.runs}
SETTINGS = [f"{name}={value}" for name, value in GIVEN.items()]
PYTHON = sys.executable  # that of Snakemake, also where the environment is not activated
FOLDER = f"runs/{STUDY}/{{run}}"
RESULTS = f"results/{STUDY}"


# Snakemake removes the outputs of a job before it starts and after it fails. So no output of a rule is
# what cost hours: it is a mark, which its stage makes again in a moment where the work is done.
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
        expand(f"{FOLDER}/.scored", run=RUNS),


# Each run is asked for by name here and above: Snakemake does not miss a file between two others.
rule table:
    input:
        f"{RESULTS}/table.csv",
        expand(f"{FOLDER}/.scored", run=RUNS),


# `exec`: a SIGTERM to the job reaches Python, not a shell in between.
rule train:
    output:
        f"{FOLDER}/.trained",
    params:
        settings=lambda wildcards: str(RUNS[wildcards.run].config.to_dict()),  # other ones: look again
    threads: lambda wildcards: RUNS[wildcards.run].config.threads
    resources:
        mem_mb=3000,
        runtime=1440,
        gpu_slots=lambda wildcards: int(RUNS[wildcards.run].config.device.startswith("cuda")),
    message:
        "Training {wildcards.run}"
    shell:
        "exec {PYTHON:q} -m disentlib train {STUDY:q} {wildcards.run:q} {SETTINGS:q}"


rule score:
    input:
        f"{FOLDER}/.trained",
    output:
        f"{FOLDER}/.scored",
    params:
        settings=str(study.scoring),
    resources:
        mem_mb=4000,
        runtime=120,
    message:
        "Scoring {wildcards.run}"
    shell:
        "exec {PYTHON:q} -m disentlib score {STUDY:q} {wildcards.run:q} {SETTINGS:q}"


# Results may outlive their runs: they are never removed, each file is replaced once the new one is whole.
rule collect:
    input:
        expand(f"{FOLDER}/.scored", run=RUNS),
    output:
        update(f"{RESULTS}/table.csv"),
        update(f"{RESULTS}/history.csv"),
        update(f"{RESULTS}/runs.csv"),
    message:
        "Collecting the study's table"
    shell:
        "exec {PYTHON:q} -m disentlib collect {STUDY:q} {SETTINGS:q}"


rule book:
    input:
        rules.collect.output,
        sources(),
    output:
        f"_build/{STUDY}.built",
    params:
        beside=results_beside(STUDY),  # no input: Snakemake would lock it for other studies' sweeps
    message:
        "Building the book"
    shell:
        "export STUDY={STUDY:q}; exec {PYTHON:q} -m disentlib book"
