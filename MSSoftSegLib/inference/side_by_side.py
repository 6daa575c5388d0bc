"""Several passes of one volume side by side on a processor's cores.

A pass shares each layer out among its threads and waits for the slowest; passes of a thread each wait for nobody, and leave room
for what else there is to do. How many threads a pass has depends on the number of processors, not on how busy they are, for the
last digits of a sum depend on it; only a machine without memory for several passes does them one after the other on all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch
from torch import Tensor, nn

from MSSoftSegLib.errors import OutOfMemory
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.whole_volume import fits

# Each further pass at once takes another half GiB of memory.
MOST = 2

Asked = TypeVar("Asked")


def look_side_by_side(
    look: Callable[[Asked, int | None], Tensor],
    views: Sequence[Asked],
    networks: Sequence[nn.Module],
    images: Tensor,
    device: Device,
) -> Iterator[Tensor]:
    """What each view shows, in their order, each as soon as it is there.

    look: is told a view and into how many pieces a pass may be cut (None: as many as memory wants). images: what one pass sees.
    On a graphics card, and where memory has no room for several passes, one after the other.
    """
    processors = torch.get_num_threads()
    at_once = min(MOST, processors)
    has_room = all(fits(network, images, device, passes=at_once) for network in networks)
    if device.place.type != "cpu" or at_once == 1 or len(views) == 1 or not has_room:
        yield from (look(view, None) for view in views)
        return
    pool = ThreadPoolExecutor(at_once, "look", initializer=torch.set_num_threads, initargs=(processors // at_once,))
    try:
        # In one piece: what cuts a pass up changes the network, which the other passes use.
        looks = [pool.submit(look, view, 1) for view in views]
        for view, seen in zip(views, looks, strict=True):
            try:
                yield seen.result()
            except OutOfMemory:
                wait(looks)
                yield look(view, None)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(processors)
