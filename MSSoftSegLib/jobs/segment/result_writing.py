"""The files of a result folder, under the names that Docs/contract.md section 4 fixes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import copy_image
from MSSoftSegLib.exam.image_file import compute_sha256, write_images
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.preprocessing.working_folder import write_working_folder
from MSSoftSegLib.region.kept_regions import write_region_maps
from MSSoftSegLib.report.html import write_report
from MSSoftSegLib.report.lesion_table import write_lesions_csv
from MSSoftSegLib.report.result import Result
from MSSoftSegLib.result_files import (
    ENTROPY_FILE,
    FACTS_FILE,
    INSTANCES_FILE,
    LESIONS_FILE,
    MASK_FILE,
    MUTUAL_INFORMATION_FILE,
    PROBABILITY_FILE,
    REGION_MAPS_FILE,
    REPORT_FILE,
    WORKING_FOLDER,
)
from MSSoftSegLib.segmenting.segmented_exam import SegmentedExam


def write_result(folder: Path, found: SegmentedExam, result: Result, on_working_grid: Segmentation | None) -> None:
    """Write images, table, report and facts; ``working/`` only where the lesions on the working grid are given."""
    # Compressing images leaves the interpreter free to draw the report. Leaving the block waits for all; what failed is raised.
    with ThreadPoolExecutor(2, thread_name_prefix="images") as pool:
        lesions = {path: copy_image(image) for path, image in _lesion_images(folder, found.segmentation).items()}
        images = pool.submit(write_images, lesions)
        regions = pool.submit(_write_regions, folder, found)
        write_lesions_csv(folder / LESIONS_FILE, found.lesions)
        write_report(
            folder / REPORT_FILE,
            result=result,
            segmentation=found.segmentation,
            reference=found.exam.image(found.reference),
            card_markdown=found.model.card,
        )
        images.result()
        result = result.model_copy(update={"region_probabilities_sha256": regions.result()})
    (folder / FACTS_FILE).write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if on_working_grid is not None:
        inner = folder / WORKING_FOLDER
        inner.mkdir()
        write_working_folder(found.working, inner)
        write_images(_lesion_images(inner, on_working_grid))


def _write_regions(folder: Path, found: SegmentedExam) -> str | None:
    """Write the exam's regions where they were found; the checksum of the file, by which it is known again."""
    if found.regions is None or found.regions.region_map is None:
        return None
    path = folder / REGION_MAPS_FILE
    write_region_maps(found.regions.region_map, found.working.native_from_working[found.reference], path)
    return compute_sha256(path)


def _lesion_images(folder: Path, segmentation: Segmentation) -> dict[Path, sitk.Image]:
    """The maps and masks under their names."""
    maps = segmentation.maps
    images = {
        PROBABILITY_FILE: maps.probability,
        ENTROPY_FILE: maps.entropy,
        MUTUAL_INFORMATION_FILE: maps.mutual_information,
        MASK_FILE: segmentation.mask,
        INSTANCES_FILE: segmentation.instances,
    }
    return {folder / name: image for name, image in images.items()}
