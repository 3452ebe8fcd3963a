#!/bin/bash
#SBATCH --time=24:00:00
#SBATCH --cpus-per-task=1
#SBATCH --mem=3G
#SBATCH --requeue
#SBATCH --output=runs/slurm-%A_%a.log
# The runs of a study as a job array, without Snakemake: task i trains its run i.
#   sbatch --array=0-29 profiles/slurm/array.sh thesis [device=cuda]
study=${1:?give the name of a study}
exec srun "${PYTHON:-.venv/bin/python}" -m disentlib train "$study" \
  "${SLURM_ARRAY_TASK_ID:?start it with sbatch --array=0-N}" "${@:2}"
