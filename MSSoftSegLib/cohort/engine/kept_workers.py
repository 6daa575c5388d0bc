"""Workers of a cluster are kept as many as were asked for.

dask starts a worker anew that died at work, but gives its place up where it died while it was starting: for lack of memory, or by
a queue that ended its job. A cohort without any worker would wait forever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

EVERY_S = 5.0


@contextmanager
def replace_lost_workers(cluster: Any, scale: Callable[[], object]) -> Iterator[None]:
    """While the block runs, places that were given up are filled again. scale: asks the cluster for all its workers once more."""
    ended = threading.Event()

    def look_after() -> None:
        while not ended.wait(EVERY_S):
            # The cluster's own loop alone may change what it knows of its workers.
            cluster.loop.add_callback(_forget_the_dead, cluster)
            scale()

    keeper = threading.Thread(target=look_after, name="kept-workers", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _forget_the_dead(cluster: Any) -> None:
    """What is not among its workers, a cluster starts when it is scaled."""
    from distributed.core import Status

    for name, worker in list(cluster.workers.items()):
        if worker.status in (Status.closed, Status.failed):
            del cluster.workers[name]
