"""The files of a result folder, under the names that Docs/contract.md section 4 fixes."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.lesion.segmentation import Segmentation, segment_lesions
from MSSoftSegLib.lesion.uncertainty import UncertainProbability
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.preprocessing.working_folder import write_working_folder
from MSSoftSegLib.report.html import write_report
from MSSoftSegLib.report.lesion_table import write_lesions_csv
from MSSoftSegLib.report.result import Result


def write_result(
    folder: Path,
    *,
    result: Result,
    segmentation: Segmentation,
    reference: sitk.Image,
    card: str,
    working: WorkingExam | None,
    working_maps: UncertainProbability,
) -> None:
    """Write images, table, report and facts; ``working/`` only where a working exam is given."""
    _write_lesion_images(folder, segmentation)
    write_lesions_csv(folder / "lesions.csv", segmentation.lesions)
    write_report(
        folder / "report.html", result=result, segmentation=segmentation, reference=reference, card_markdown=card
    )
    (folder / "result.json").write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if working is not None:
        inner = folder / "working"
        inner.mkdir()
        write_working_folder(working, inner)
        on_working_grid = segment_lesions(
            working_maps, threshold=segmentation.threshold, min_lesion_mm3=segmentation.min_lesion_mm3
        )
        _write_lesion_images(inner, on_working_grid)


def _write_lesion_images(folder: Path, segmentation: Segmentation) -> None:
    maps = segmentation.maps
    images = {
        "lesion_probability": maps.probability,
        "lesion_entropy": maps.entropy,
        "lesion_mutual_information": maps.mutual_information,
        "lesion_mask": segmentation.mask,
        "lesion_instances": segmentation.instances,
    }
    for stem, image in images.items():
        write_image(image, folder / f"{stem}.nii.gz")
