"""Open the module's panel in a window, to click through: `python -m Testing.SlicerHost [MODULE.py] [--volume FILE]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import start

MODULE = Path(__file__).resolve().parents[2] / "MSSoftSeg" / "MSSoftSeg.py"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m Testing.SlicerHost", description=__doc__)
    parser.add_argument("module", type=Path, nargs="?", default=MODULE, help="scripted module to show")
    parser.add_argument("--volume", action="append", default=[], help="image to load first; may be given again")
    parser.add_argument("--picture", type=Path, help="write a picture of the window instead of opening it")
    arguments = parser.parse_args()
    host = start()
    host.set_testing(False)
    host.load_module(arguments.module)
    import slicer

    from . import rendering

    for path in arguments.volume:
        slicer.util.loadVolume(path)
    if arguments.picture:
        rendering.save_window(arguments.picture)
        return 0
    host.show()
    return host.run()


if __name__ == "__main__":
    sys.exit(main())
