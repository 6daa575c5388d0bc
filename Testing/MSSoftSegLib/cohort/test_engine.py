"""Workers of dask.distributed give what one process gives; a worker that is killed loses nothing."""

from __future__ import annotations

import os
import signal

import pytest

from MSSoftSegLib.cohort.engine import kept_workers
from MSSoftSegLib.cohort.engine.capacity import GIB, Capacity, capacity_of
from MSSoftSegLib.cohort.engine.cluster_file import read_cluster_file
from MSSoftSegLib.cohort.engine.dask_engine import run_on_workers, start_workers_here
from MSSoftSegLib.cohort.engine.job_array import make_slurm_script
from MSSoftSegLib.cohort.exam_folders import find_exams
from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.group.exam_rows import read_exam_rows
from MSSoftSegLib.cohort.one_exam import CohortRun
from MSSoftSegLib.cohort.segment_cohort import segment_cohort
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.errors import BadExam, JobCancelled, RequestError
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.network.catalog import SHIPPED_MODEL
from MSSoftSegLib.segmenting.choices import SegmentChoices
from Testing.MSSoftSegLib.cohort.small_cohort import stand_in, write_tiny_exams

TWO = Capacity(workers=2, threads=1, memory_bytes=2 * GIB)
EXAMS = 12


@pytest.fixture
def exams(tmp_path):
    return find_exams(write_tiny_exams(tmp_path / "exams", EXAMS))


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_LOG", str(tmp_path / "log"))
    choices = SegmentChoices.model_validate({"preprocessing": {"brain": "none"}})
    settings = CohortSettings(model=SHIPPED_MODEL, choices=choices)
    return CohortRun(tmp_path / "out", settings, stand_in)


def made(tmp_path):
    """Which exams were computed, once for each time, and by how many processes."""
    lines = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    return sorted(name for name, _ in lines), {process for _, process in lines}


def test_two_workers_do_every_exam_once_and_a_second_run_none(exams, run, tmp_path):
    words = []
    # Found bad while the data set was read: its error travels to a worker and back.
    bad = CohortExam(CaseId("bad"), problem=BadExam("line 2: there is no file", remedy="correct the path"))
    outcome = segment_cohort(
        [bad, *exams], run, capacity=TWO, progress=lambda fraction, said: words.append((fraction, said))
    )
    assert (outcome.done, outcome.kept) == (EXAMS, 0)
    assert outcome.failures == (("sub-bad", "line 2: there is no file — correct the path"),)
    assert words[0] == (0.0, "")
    assert words[-1][0] == 1.0
    assert f"2 of {EXAMS + 1}, about 0 min left" in words[2][1]
    names, processes = made(tmp_path)
    assert names == [str(exam) for exam in exams]
    assert str(os.getpid()) not in processes
    here = segment_cohort(exams, run)
    assert (here.done, here.kept) == (0, EXAMS)
    there = [(row.values["volume_ml"], row.values["fingerprint"]) for row in read_exam_rows(run.out) if row.folder]
    alone = CohortRun(tmp_path / "alone", run.settings, stand_in)
    segment_cohort(exams, alone)
    assert there == [(row.values["volume_ml"], row.values["fingerprint"]) for row in read_exam_rows(alone.out)]


def test_killed_workers_are_replaced_and_nothing_is_lost(exams, run, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_SECONDS", "0.1")
    killed = []

    def kill_one(fraction, said):
        if 0 < fraction < 0.5 and len(killed) < 2:
            _, processes = made(tmp_path)
            for process in map(int, processes - set(map(str, killed))):
                os.kill(process, signal.SIGKILL)
                killed.append(process)
                break

    outcome = segment_cohort(exams, run, capacity=TWO, progress=kill_one)
    assert killed
    assert outcome.done + outcome.kept == EXAMS
    assert [row.status for row in read_exam_rows(run.out)] == ["ok"] * EXAMS


def test_workers_whose_places_were_given_up_are_started_anew(exams, run, monkeypatch):
    """As dask does with a worker that dies while it is starting: none is left, and the cohort would wait forever."""
    monkeypatch.setattr(kept_workers, "EVERY_S", 0.2)

    async def give_up(cluster):
        for worker in list(cluster.workers.values()):
            await worker.close()

    with start_workers_here(TWO) as client:
        client.sync(give_up, client.cluster)
        outcomes = list(run_on_workers(exams, run, client, workers=2))
    assert [outcome.state for outcome in outcomes] == ["done"] * EXAMS


def test_whoever_stops_it_keeps_what_is_complete(exams, run):
    def stop(fraction, said):
        if fraction >= 0.25:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        segment_cohort(exams, run, capacity=TWO, progress=stop)
    there = len(read_exam_rows(run.out))
    assert 3 <= there <= EXAMS
    assert segment_cohort(exams, run).kept == there


def test_workers_are_as_many_as_memory_and_cores_allow():
    assert capacity_of(cores=2, available_bytes=64 * GIB) == Capacity(2, 1, int(64 * 0.8 * GIB) // 2)
    assert capacity_of(cores=32, available_bytes=16 * GIB).workers == 3
    assert capacity_of(cores=32, available_bytes=16 * GIB).threads == 10
    assert capacity_of(cores=8, available_bytes=2 * GIB).workers == 1
    assert capacity_of(cores=4, available_bytes=64 * GIB, wanted=8) == Capacity(8, 1, int(64 * 0.8 * GIB) // 8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: [", "not readable YAML"),
        ("", "Input should be"),
        ("kind: cray\nworkers: 2", "kind"),
        ("kind: slurm", "workers"),
        ("kind: slurm\nworkers: 0", "workers"),
        ("kind: slurm\nworkers: 2\nqueue: long", "queue"),
    ],
)
def test_a_cluster_file_that_does_not_hold_is_refused_by_the_field(tmp_path, text, said):
    (tmp_path / "site.yaml").write_text(text)
    with pytest.raises(RequestError, match=r"site\.yaml") as refused:
        read_cluster_file(tmp_path / "site.yaml")
    assert said in refused.value.message


def test_a_cluster_of_jobs_does_every_exam_once(exams, run, tmp_path):
    """dask-jobqueue's own local kind: each worker is started by a job script, as a queueing system would."""
    (tmp_path / "site.yaml").write_text(
        f"kind: local\nworkers: 2\ncores: 1\nmemory: 2GB\noptions: {{log_directory: {tmp_path}}}"
    )
    outcome = segment_cohort(exams, run, cluster=read_cluster_file(tmp_path / "site.yaml"))
    assert (outcome.done, outcome.failures) == (EXAMS, ())
    assert made(tmp_path)[0] == [str(exam) for exam in exams]


def test_the_job_script_quotes_and_shares_exams_out_over_the_tasks_that_sites_allow():
    script = make_slurm_script(["mssoftseg", "cohort", "a b.csv"], ["mssoftseg", "x"], exams=2500)
    assert "#SBATCH --array=1-1000\n" in script
    assert """exec mssoftseg cohort 'a b.csv' --part "${SLURM_ARRAY_TASK_ID}/1000"\n""" in script
