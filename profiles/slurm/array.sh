#!/bin/bash
#SBATCH --time=24:00:00
#SBATCH --cpus-per-task=1
#SBATCH --mem=3G
#SBATCH --requeue
#SBATCH --output=runs/slurm-%A_%a.log
# The runs of a study as a job array, without Snakemake: task i trains the study's i-th run.
#   sbatch --array=0-29 profiles/slurm/array.sh thesis [device=cuda]
srun "${PYTHON:-.venv/bin/python}" -c '
import sys
from disentlib.sprites.table import load_sprites
from disentlib.study.plan import load_study
from disentlib.training.loop import train

name, number, *settings = sys.argv[1:]
study = load_study(name, **dict(setting.split("=") for setting in settings))
run = study.runs[int(number)]
print(f"run {number} of {len(study.runs)}: {run.key}", flush=True)
for record in train(run.config, load_sprites(), study.folder(run)):
    print("step {step}: {total:.1f} nats".format(**record), flush=True)
' "$1" "$SLURM_ARRAY_TASK_ID" "${@:2}"
