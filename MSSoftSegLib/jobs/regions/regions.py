"""The ``regions`` job: where the lesions of any mask lie, and what that says about dissemination in space."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, resample, voxels
from MSSoftSegLib.exam.image_file import compute_sha256, read_image, read_mask, write_image
from MSSoftSegLib.exam.label_doubts import check_lies_in_brain, describe_counts, value_counts
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.documents.regions import RegionsJob, RegionsSpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.regions.facts import FoundRegions, MapOrigin, facts_of
from MSSoftSegLib.jobs.regions.kept import read_working_regions
from MSSoftSegLib.jobs.segment.inputs import load_exam
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.lesion.splitting import split_confluent
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.pipeline import STAGE_SECONDS, preprocess
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.preprocessing.working_folder import read_working_folder
from MSSoftSegLib.region.exam_regions import REGION_SECONDS
from MSSoftSegLib.region.mapping import map_regions
from MSSoftSegLib.region.own_labels import numbers_of, regions_from_labels
from MSSoftSegLib.region.place_table import write_place_table
from MSSoftSegLib.region.places import place_lesions
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import Region
from MSSoftSegLib.result_files import INSTANCES_FILE, LESIONS_FILE, WORKING_FACTS_FILE, WORKING_FOLDER
from MSSoftSegLib.result_folder import check_target, write_completely

LOGGER = logging.getLogger(__name__)
SHARES = {"reading": 1.0, **STAGE_SECONDS, "regions": REGION_SECONDS, "lesions": 1.0, "writing": 2.0}
REGIONS_FILE, REGIONS_FACTS_FILE = "regions.nii.gz", "regions.json"
# Probability maps that are written, on the mask's grid.
MAPS = {
    Region.LATERAL_VENTRICLE: "lateral_ventricle_probability.nii.gz",
    Region.CORTEX: "cortex_probability.nii.gz",
    Region.INFRATENTORIAL: "infratentorial_probability.nii.gz",
    Region.DEEP_GRAY: "deep_gray_probability.nii.gz",
    Region.CORPUS_CALLOSUM: "corpus_callosum_probability.nii.gz",
}


def run_regions(job: RegionsJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the result folder."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    named = [spec.mask, *spec.exam.paths, Path(spec.preprocessing.brain), *([spec.labels] if spec.labels else [])]
    check_target(spec.out, overwrite=spec.overwrite, inputs=named)
    numbers = numbers_of(spec.scheme, spec.region_numbers) if spec.scheme else None
    reporter.progress("reading", 0.0)
    mask = read_mask(spec.mask)
    working = _working(spec, reporter, cancelled)
    working_from_mask, mask_from_working = _between(mask, working, spec.mask.name)
    doubts = _find_doubts(mask, working, working_from_mask, spec.mask.name)
    reporter.progress("regions", 0.0)
    found = _regions(spec, numbers, working, _on_working_grid(mask, working, mask_from_working))
    reporter.progress("lesions", 0.0)
    instances, interval = _instances(mask, spec)
    places = place_lesions(instances, found.regions, working_from_mask)
    voxel_mm3 = Grid.of(mask).voxel_volume_mm3
    volume_mm3 = {n: float(count * voxel_mm3) for n, count in enumerate(np.bincount(voxels(instances).ravel()))}
    facts = facts_of(spec, found, working, places, volume_mm3, interval)
    facts["inputs"] = [{"role": "mask", "path_name": spec.mask.name, "sha256": compute_sha256(spec.mask)}]
    facts["warnings"] = [*doubts, *found.warnings]
    reporter.progress("writing", 0.0)
    with write_completely(spec.out, overwrite=spec.overwrite) as folder:
        write_place_table(folder / LESIONS_FILE, places, volume_mm3)
        write_image(instances, folder / INSTANCES_FILE)
        _write_maps(folder, found.regions, Grid.of(mask), working_from_mask)
        (folder / REGIONS_FACTS_FILE).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        reporter.progress("writing", 1.0)
    reporter.result(spec.out.name, {key: facts[key] for key in ("lesions", "count_by_place", "statement")})
    return spec.out


def _working(spec: RegionsSpec, reporter: Reporter, cancelled: Callable[[], bool]) -> WorkingExam:
    """The exam on its working grid: of a finished result, of a preprocessing, or made now."""
    folder = spec.exam.folder
    for place in [] if folder is None else [folder / WORKING_FOLDER, folder]:
        if (place / WORKING_FACTS_FILE).is_file():
            return read_working_folder(place)
    cache = StepCache() if spec.use_cache else None
    return preprocess(
        load_exam(spec.exam), spec.preprocessing, cache=cache, progress=reporter.progress, cancelled=cancelled
    )


def _regions(
    spec: RegionsSpec, numbers: Mapping[Region, frozenset[int]] | None, working: WorkingExam, lesions: sitk.Image
) -> FoundRegions:
    """The regions on the working grid: the user's own, else those that the exam's result keeps, else found by its images.

    lesions: what of the mask lies on the working grid; there gray values are not trusted. What a result keeps was found with the
    lesions of its run.
    """
    if spec.labels is not None and numbers is not None:
        labels = read_image(spec.labels)
        way = _labels_from_working(labels, working)
        given = regions_from_labels(labels, numbers, working.grid, way, name=spec.labels.name)
        return FoundRegions(given, MapOrigin.GIVEN)
    folder = spec.exam.folder
    kept, problem = (None, None) if folder is None else read_working_regions(folder, working)
    if kept is None:
        warnings = (f"the regions were found anew: {problem}",) if problem else ()
        return FoundRegions(map_regions(working, lesions), MapOrigin.FOUND, warnings=warnings)
    LOGGER.info("the regions are those that this result keeps")
    return FoundRegions(kept.regions, MapOrigin.KEPT, volume_ml=kept.volume_ml)


def _between(mask: sitk.Image, working: WorkingExam, name: str) -> tuple[sitk.Transform, sitk.Transform]:
    """Points of the mask's space to the working space, and back; GridMismatch where the mask lies on no image of the exam."""
    for modality, grid in working.native_grids.items():
        if have_same_grid(mask, grid):
            return working.working_from_native(modality), working.native_from_working[modality]
    if have_same_grid(mask, working.grid):
        same = sitk.Transform(3, sitk.sitkIdentity)
        return same, same
    raise GridMismatch(
        f"{name} lies on the grid of no image of the exam", remedy="give a mask drawn on one of the exam's images"
    )


def _find_doubts(mask: sitk.Image, working: WorkingExam, working_from_mask: sitk.Transform, name: str) -> list[str]:
    """What may be meant otherwise in a mask, by value and count, logged; BadImage where it is no mask of this brain's lesions."""
    share = sitk.Cast(working.brain_mask, sitk.sitkFloat32)
    brain = voxels(resample(share, Grid.of(mask), source_from_grid=working_from_mask)) >= 0.5
    check_lies_in_brain(voxels(mask) > 0, brain, name=name, whose="the brain")
    counts = value_counts(voxels(mask))
    told = f"{name} holds the values {describe_counts(counts)}: all of them count as lesion"
    doubts = [told] if set(counts) - {LESION} else []
    for doubt in doubts:
        LOGGER.warning("%s", doubt)
    return doubts


def _labels_from_working(labels: sitk.Image, working: WorkingExam) -> sitk.Transform:
    """Working points to the space of the user's segmentation: of the image whose grid it has, else of T1, else of FLAIR."""
    for modality, grid in working.native_grids.items():
        if have_same_grid(labels, grid):
            return working.native_from_working[modality]
    if have_same_grid(labels, working.grid):
        return sitk.Transform(3, sitk.sitkIdentity)
    modality = Modality.T1 if Modality.T1 in working.native_grids else Modality.FLAIR
    LOGGER.info("the segmentation has a grid of its own and is taken to lie in the space of %s", modality.upper())
    return working.native_from_working[modality]


def _on_working_grid(mask: sitk.Image, working: WorkingExam, mask_from_working: sitk.Transform) -> sitk.Image:
    """What of the mask lies on the working grid, uint8."""
    share = resample(sitk.Cast(mask > 0, sitk.sitkFloat32), working.grid, source_from_grid=mask_from_working)
    return share > 0.25


def _instances(mask: sitk.Image, spec: RegionsSpec) -> tuple[sitk.Image, tuple[int, int] | None]:
    """Lesion instances on the mask's grid; with ``split`` also how many lesions there may be."""
    grid = Grid.of(mask)
    inside = (voxels(mask) > 0).astype(np.float32)
    instances = label_instances(inside, threshold=0.5, min_lesion_mm3=0.0, voxel_volume_mm3=grid.voxel_volume_mm3)
    if spec.instances == "components":
        return grid.image(instances), None
    z, y, x = grid.spacing_mm[::-1]
    pieces, interval = split_confluent(instances, (z, y, x))
    return grid.image(pieces), interval


def _write_maps(folder: Path, regions: RegionMap, grid: Grid, working_from_mask: sitk.Transform) -> None:
    """Labels and probabilities on the mask's grid; probabilities in steps of 1/255, which halves the files."""
    labels = resample(
        regions.labels(),
        grid,
        source_from_grid=working_from_mask,
        interpolator=sitk.sitkNearestNeighbor,
        pixel_type=sitk.sitkUInt8,
    )
    write_image(labels, folder / REGIONS_FILE)
    for region, name in MAPS.items():
        there = voxels(resample(regions.probability[region], grid, source_from_grid=working_from_mask))
        write_image(grid.image((np.rint(there * 255) / 255).astype(np.float32)), folder / name)
