"""``--print-slurm-array``: a script for sites where nothing may run long beside the queue; each task segments its part."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

# What most sites set MaxArraySize to is 1001; more exams than tasks are shared out.
MOST_TASKS = 1000
TEMPLATE = """#!/bin/bash
# {exams} exams in {tasks} tasks. Submit with sbatch; set time, account and partition as your site asks for.
# Running it again does only what is not complete. Then, once:
#   {group}
#SBATCH --job-name=mssoftseg
#SBATCH --array=1-{tasks}
#SBATCH --cpus-per-task={cores}
#SBATCH --mem={memory_gib}G
#SBATCH --output=slurm-%A_%a.log
export OMP_NUM_THREADS="${{SLURM_CPUS_PER_TASK:-{cores}}}"
exec {command} --part "${{SLURM_ARRAY_TASK_ID}}/{tasks}"
"""


def make_slurm_script(
    command: Sequence[str], group: Sequence[str], *, exams: int, cores: int = 4, memory_gib: int = 8
) -> str:
    """The script. command: what segments all exams, without ``--part``; group: what gathers the tables afterwards."""
    return TEMPLATE.format(
        exams=exams,
        tasks=min(exams, MOST_TASKS),
        command=shlex.join(command),
        group=shlex.join(group),
        cores=cores,
        memory_gib=memory_gib,
    )
