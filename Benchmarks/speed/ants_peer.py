"""ANTs' registration and N4 on given images, in an environment that has antspyx; started by preprocessing.py.

    python Benchmarks/speed/ants_peer.py FIXED MOVING FOLDER

Reads a line with ``register`` or ``n4``, does it, leaves ``ants.mat`` or ``ants_field.nii.gz`` in the folder, and answers with
processor seconds.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import ants


def main() -> None:
    """Answer until stdin ends."""
    fixed, moving = (ants.image_read(path) for path in sys.argv[1:3])
    folder = Path(sys.argv[3])
    foreground = ants.get_mask(moving)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        started = time.process_time()
        if line.strip() == "register":
            found = ants.registration(fixed, moving, type_of_transform="Rigid")
            spent = time.process_time() - started
            shutil.copyfile(found["fwdtransforms"][0], folder / "ants.mat")
        else:
            field = ants.n4_bias_field_correction(moving, mask=foreground, return_bias_field=True)
            spent = time.process_time() - started
            ants.image_write(field, str(folder / "ants_field.nii.gz"))
        sys.stdout.write(f"{spent}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
