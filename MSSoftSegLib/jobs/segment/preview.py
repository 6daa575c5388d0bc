"""The first answer, while the others are still computed: one look at the exam, before its mirror images refine it.

It lies in a private folder of the system's temporary ones, never at the job's target: that stays complete or absent. The folder
goes when the job ends, however it ends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.exam.geometry import Grid, image_like, voxels
from MSSoftSegLib.exam.image_file import write_images
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.jobs.events import Reporter
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.segmenting.segment_exam import FirstAnswer

LOGGER = logging.getLogger(__name__)

# Uncompressed: they are read once, at once.
PROBABILITY_FILE = "lesion_probability.nii"
MASK_FILE = "lesion_mask.nii"


@contextmanager
def open_preview(reporter: Reporter, *, wanted: bool) -> Iterator[FirstAnswer]:
    """A function that shows a first probability map on the native grid by an event ``preview``, if that is wanted.

    The files that the event names exist until this context ends. A preview that cannot be written is left out.
    """
    if not wanted:
        yield lambda probability, threshold, min_lesion_mm3: None
        return
    with TemporaryDirectory(prefix="mssoftseg-preview-", ignore_cleanup_errors=True) as name:

        def show(probability: sitk.Image, threshold: float, min_lesion_mm3: float) -> None:
            mask = _mask(probability, threshold, min_lesion_mm3)
            try:
                write_images({Path(name, PROBABILITY_FILE): probability, Path(name, MASK_FILE): mask})
            except MSSoftSegError as problem:
                LOGGER.info("no preview: %s", problem.message)
                return
            volume_ml = np.count_nonzero(voxels(mask)) * Grid.of(mask).voxel_volume_mm3 / MM3_PER_ML
            reporter.preview(name, {"volume_ml": round(float(volume_ml), 3), "threshold": threshold})

        yield show


def _mask(probability: sitk.Image, threshold: float, min_lesion_mm3: float) -> sitk.Image:
    """Lesions of the first answer, uint8, by the rules of the last one."""
    instances = label_instances(
        voxels(probability),
        threshold=threshold,
        min_lesion_mm3=min_lesion_mm3,
        voxel_volume_mm3=Grid.of(probability).voxel_volume_mm3,
    )
    return image_like(probability, (instances > 0).astype(np.uint8))
