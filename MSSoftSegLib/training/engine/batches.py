"""Batches for the loop: samples by their number, made in worker processes, with a lost case as a message, not a crash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from MSSoftSegLib.errors import JobFailed
from MSSoftSegLib.training.data.sample import Sample
from MSSoftSegLib.training.data.stream import SampleStream, StepSampler, collate
from MSSoftSegLib.training.engine.task import FitTask

# How torch's error begins, which has no class of its own, when one of these processes is killed.
KILLED_WORKER = "DataLoader worker"


class _Guarded(Dataset[Any]):
    """A stream whose failures travel as values: an exception loses its type on the way out of a worker process."""

    def __init__(self, stream: Dataset[Sample]) -> None:
        self.stream = stream

    def __getitem__(self, index: int) -> Any:
        try:
            return self.stream[index]
        except (OSError, ValueError, KeyError) as problem:
            return f"{type(problem).__name__} while a case was read"


def _collate(samples: list[Any]) -> Any:
    lost = [sample for sample in samples if isinstance(sample, str)]
    return lost[0] if lost else collate(samples)


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)


def _watch_workers(loader: Iterable[Any]) -> Iterator[Any]:
    """The same batches; that a worker was killed while it handed one over is said as torch says it otherwise."""
    try:
        yield from loader
    except (ConnectionError, EOFError):
        raise RuntimeError(f"{KILLED_WORKER} ended while it handed a batch over") from None


def draw_batches(task: FitTask, *, start: int, stop: int, rank: int, world: int) -> Iterator[Sample]:
    """The batches of steps ``start`` to ``stop`` for one of ``world`` processes."""
    recipe = task.recipe
    sampler = StepSampler(start=start, stop=stop, batch=recipe.sampling.batch, rank=rank, world=world)
    workers = task.hardware.workers
    loader = DataLoader(
        _Guarded(SampleStream(task.training, recipe, seed=task.seed, weights=task.case_weights)),
        batch_sampler=sampler,
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_one_thread,
        prefetch_factor=4 if workers else None,
    )
    for batch in _watch_workers(loader):
        if isinstance(batch, str):
            raise JobFailed(
                f"a training case cannot be read any more: {batch}",
                remedy="restore the run's folder of prepared cases and go on with --resume",
            )
        yield batch
