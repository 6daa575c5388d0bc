"""What can be computed while something else is awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Meanwhile(Generic[Found]):
    """A computation on a thread of its own: begun once, by whoever has a processor to spare, and asked for later."""

    def __init__(self, pool: ThreadPoolExecutor, compute: Callable[[], Found]) -> None:
        self._pool, self._compute = pool, compute
        self._future: Future[Found] | None = None

    def start(self) -> Future[Found]:
        """What is to come; a second call begins nothing."""
        if self._future is None:
            self._future = self._pool.submit(self._compute)
        return self._future

    def result(self) -> Found:
        """What was found, as soon as it is there; raises what the computation raised."""
        return self.start().result()


@contextmanager
def compute_meanwhile(compute: Callable[[], Found]) -> Iterator[Meanwhile[Found]]:
    """Nothing begins before it is asked for. Whoever leaves early (a cancelled job) waits for nothing: what has begun ends by
    itself, unheard."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="meanwhile")
    try:
        yield Meanwhile(pool, compute)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
