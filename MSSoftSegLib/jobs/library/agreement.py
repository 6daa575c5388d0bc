"""The ``library-agreement`` job: where two raters of a case agree and where they do not, in numbers and as an overlay."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import OutputExists, RequestError
from MSSoftSegLib.evaluation.lesion_pairs import pair_lesions
from MSSoftSegLib.evaluation.lesionwise import detection_of
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.image_file import read_mask, write_image
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.jobs.documents.library.agreement import LibraryAgreementJob, LibraryAgreementSpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.layout import parse_case, resolve_inside
from MSSoftSegLib.library.opening import open_case
from MSSoftSegLib.result_folder import make_scratch_beside
from MSSoftSegLib.softlabel.merging import merge_raters
from MSSoftSegLib.softlabel.settings import SoftLabelSettings

SHARES = {"reading": 1.0, "measuring": 1.0, "writing": 1.0}
HALF_WHERE_ONE_DREW = SoftLabelSettings(merge="soft-union", gamma=0.5)


def run_library_agreement(job: LibraryAgreementJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the overlay's file."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    reporter.progress("reading", 0.0)
    record = open_case(spec.library, parse_case(spec.case))
    _check(spec, record)
    first, second = (read_mask(resolve_inside(spec.library, record.case_id.rater_mask(rater))) for rater in spec.raters)
    reporter.progress("measuring", 0.0)
    measured = measure_agreement(first, second, names=spec.raters)
    reporter.progress("writing", 0.0)
    with make_scratch_beside(spec.out) as folder:
        write_image(soft_union(first, second), folder / spec.out.name)
        os.replace(folder / spec.out.name, spec.out)
    reporter.progress("writing", 1.0)
    reporter.result(spec.out.name, {**measured, "out": str(spec.out)})
    return spec.out


def _check(spec: LibraryAgreementSpec, record: CaseRecord) -> None:
    for rater in spec.raters:
        if rater not in record.raters:
            known = ", ".join(sorted(record.raters)) or "no rater at all"
            raise RequestError(f"{record.case_id} has no mask of {rater}", remedy=f"it has {known}")
    if spec.out.absolute().resolve().is_relative_to(spec.library.absolute().resolve()):
        raise RequestError(f"{spec.out.name} would lie in the case library", remedy="choose an --out elsewhere")
    if spec.out.exists() and not spec.overwrite:
        raise OutputExists(f"{spec.out.name} is there already", remedy="choose another --out, or add --overwrite")


def measure_agreement(first: sitk.Image, second: sitk.Image, *, names: tuple[str, str]) -> dict[str, Any]:
    """Two label maps of one grid (1 = lesion, 2 = possible lesion) compared; volumes in ml."""
    a, b = (voxels(image) == LESION for image in (first, second))
    voxel_ml = Grid.of(first).voxel_volume_mm3 / MM3_PER_ML
    pairs = pair_lesions(a, b)

    def volume_ml(mask: np.ndarray) -> float:
        return round(int(np.count_nonzero(mask)) * voxel_ml, 6)

    return {
        "dsc": dice(a, b),
        "lesion_f1": detection_of(pairs).f1,
        "volumes": {name: volume_ml(mask) for name, mask in zip(names, (a, b), strict=True)},
        "agreed_ml": volume_ml(a & b),
        "only_a_ml": volume_ml(a & ~b),
        "only_b_ml": volume_ml(b & ~a),
        "possible_ml": {
            name: volume_ml(voxels(image) == POSSIBLE_LESION)
            for name, image in zip(names, (first, second), strict=True)
        },
        "lesions": {
            "a": pairs.truth_voxels.size,
            "b": pairs.predicted_voxels.size,
            "a_touched": int(pairs.truth_touched.sum()),
            "b_touched": int(pairs.predicted_touched.sum()),
        },
    }


def soft_union(first: sitk.Image, second: sitk.Image) -> sitk.Image:
    """1 where both raters drew lesion, 0.5 where one did; float32 on their grid."""
    certain = [(voxels(image) == LESION).astype(np.uint8) for image in (first, second)]
    return Grid.of(first).image(merge_raters(certain, HALF_WHERE_ONE_DREW).value)
