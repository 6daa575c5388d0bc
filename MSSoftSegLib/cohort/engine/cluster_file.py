"""``--cluster FILE.yaml``: which queueing system starts the workers, and what each of its jobs asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from MSSoftSegLib.errors import PackageMissing, RequestError
from MSSoftSegLib.exam.plain_text import decode_text
from MSSoftSegLib.frozen_model import FrozenModel

# dask-jobqueue's classes; "local" runs its job scripts on this machine, to try a file out.
CLASSES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "sge": "SGECluster",
    "moab": "MoabCluster",
    "oar": "OARCluster",
    "htcondor": "HTCondorCluster",
    "local": "LocalCluster",
}


class ClusterFile(FrozenModel):
    """kind: the queueing system. workers: jobs at a time. cores, memory: of one worker, which segments one exam at a time.

    options: passed to dask-jobqueue as they are: queue, account, walltime, job_extra_directives, job_script_prologue …
    """

    kind: Literal["slurm", "pbs", "lsf", "sge", "moab", "oar", "htcondor", "local"]
    workers: int = Field(ge=1)
    cores: int = Field(default=4, ge=1)
    memory: str = "8GB"
    options: dict[str, Any] = Field(default_factory=dict)


def read_cluster_file(path: Path) -> ClusterFile:
    """The file; RequestError names the field that does not hold."""
    try:
        import yaml
    except ImportError:
        raise PackageMissing("reading a cluster file needs PyYAML", remedy="pip install 'mssoftseg[cohort]'") from None
    example = "see Docs/cohorts.md section 5 for an example"
    try:
        document = yaml.safe_load(decode_text(path.read_bytes()))
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError):
        raise RequestError(f"{path.name} is not readable YAML", remedy=example) from None
    try:
        return ClusterFile.model_validate(document)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RequestError(f"{path.name}: {field}: {first['msg']}", remedy=example) from None
