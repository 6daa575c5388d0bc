"""The ``report`` job: the report of a result written anew after a reader corrected it, with her name and how far she came."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from pydantic import ValidationError

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.image_file import read_image, read_map, read_mask
from MSSoftSegLib.jobs.documents.report import ReportJob, ReportSpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.lesion.corrected import segment_corrected
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.lesion.live.voxel_set import compute_voxel_digest
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.lesion.uncertainty import UncertainProbability
from MSSoftSegLib.region.kept_regions import KeptRegions
from MSSoftSegLib.report.corrected_regions import (
    CorrectedPlaces,
    carry_places,
    correct_region_facts,
    place_corrected,
)
from MSSoftSegLib.report.html import render_report
from MSSoftSegLib.report.lesion_table import read_lesions_csv
from MSSoftSegLib.report.region_facts import RegionFacts, make_lesion_region_facts
from MSSoftSegLib.report.result import LesionFacts, Result, UncertaintyFacts
from MSSoftSegLib.report.review import Review
from MSSoftSegLib.result_files import ENTROPY_FILE, FACTS_FILE, LESIONS_FILE, PROBABILITY_FILE
from MSSoftSegLib.result_folder import name_partial, remove_abandoned
from MSSoftSegLib.segmenting.placing import place_lesion

LOGGER = logging.getLogger(__name__)
SHARES = {"reading": 1.0, "lesions": 2.0, "report": 6.0}


def run_report(job: ReportJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the page, or the result's folder where none was asked for."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    reporter.progress("reading", 0.0)
    result = _result(spec.result)
    reference = read_image(spec.reference)
    reporter.progress("lesions", 0.0)
    probability = read_map(spec.result / PROBABILITY_FILE, like=reference)
    instances = _model_instances(result, probability)
    segmentation = _segmentation(spec, result, reference, probability, instances)
    places, problem = _places(spec, result, segmentation, instances)
    segmentation = _with_places(segmentation, places) if problem is None else segmentation
    regions = _regions(spec, result, segmentation, places)
    reporter.progress("report", 0.0)
    review = Review(
        spec.reviewer.strip(),
        spec.decided,
        spec.lesions,
        date.today(),
        placed_anew=len(places.anew),
        outside=len(places.outside),
        regions_problem=problem,
    )
    if spec.out is not None:
        page = render_report(
            result=_corrected(result, segmentation, regions),
            segmentation=segmentation,
            reference=reference,
            card_markdown="",
            review=review,
        )
        reporter.progress("report", 1.0)
        _put(page, spec.out)
    summary = {"lesions": len(segmentation.lesions), "volume_ml": round(segmentation.volume_ml, 3)}
    path = spec.out or spec.result
    reporter.result(path.name, {**summary, "places": _summarize_places(segmentation, places)})
    return path


def _summarize_places(segmentation: Segmentation, found: CorrectedPlaces) -> list[dict[str, Any]]:
    """Of each lesion that was placed anew its place, for whoever shows a table. voxels: which ones it is, as a digest."""
    flat = voxels(segmentation.instances).ravel()
    return [
        {
            "voxels": compute_voxel_digest(np.flatnonzero(flat == place.id)),
            **make_lesion_region_facts(place).model_dump(mode="json", exclude={"id", "share"}),
        }
        for place in found.places
        if place.id in found.anew
    ]


def _result(folder: Path) -> Result:
    try:
        return Result.model_validate_json((folder / FACTS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RequestError(f"{folder.name} holds no {FACTS_FILE}", remedy="give a result folder of segment") from None
    except (OSError, ValidationError, UnicodeDecodeError):
        raise RequestError(f"{FACTS_FILE} in {folder.name} cannot be read", remedy="segment the exam again") from None


def _model_instances(result: Result, probability: sitk.Image) -> np.ndarray:
    """The model's own lesions (z, y, x), under the numbers that its table has."""
    return label_instances(
        voxels(probability),
        threshold=result.threshold,
        min_lesion_mm3=result.min_lesion_mm3,
        voxel_volume_mm3=Grid.of(probability).voxel_volume_mm3,
    )


def _segmentation(
    spec: ReportSpec, result: Result, reference: sitk.Image, probability: sitk.Image, instances: np.ndarray
) -> Segmentation:
    """The corrected lesions; GridMismatch where correction, result and reference do not share a grid."""
    entropy = read_map(spec.result / ENTROPY_FILE, like=reference)
    lesions = read_lesions_csv(spec.result / LESIONS_FILE)
    if len(lesions) != instances.max(initial=0):
        raise RequestError(
            f"{LESIONS_FILE} lists {len(lesions)} lesions, {PROBABILITY_FILE} holds {instances.max(initial=0)}",
            remedy="segment the exam again",
        )
    return segment_corrected(
        # What single members said is not kept with a result.
        UncertainProbability(probability, entropy, entropy, (probability,)),
        read_mask(spec.labels, like=reference),
        instances,
        lesions,
        threshold=spec.threshold,
        min_lesion_mm3=spec.min_lesion_mm3,
        psu=result.uncertainty.psu,
    )


def _places(
    spec: ReportSpec, result: Result, segmentation: Segmentation, instances: np.ndarray
) -> tuple[CorrectedPlaces, str | None]:
    """Where the corrected lesions lie, and why those that were drawn or changed could not be placed anew, if so."""
    if result.regions is None:
        return CorrectedPlaces(()), result.regions_problem or "the run did not look for regions"
    kept = KeptRegions(spec.result, result.region_probabilities_sha256, result.regions.regions)
    regions, problem = kept.read()
    if regions is None:
        if kept.sha256 is not None:
            LOGGER.warning("drawn and changed lesions are not placed: %s", problem)
        return carry_places(result.regions, segmentation, instances), problem
    return place_corrected(result.regions, segmentation, instances, regions), None


def _with_places(segmentation: Segmentation, found: CorrectedPlaces) -> Segmentation:
    """Lesions with their places; one that lies outside the brain has none."""
    place_of = {place.id: place for place in found.places}
    lesions = tuple(
        place_lesion(lesion, place_of[lesion.id])
        if lesion.id in place_of
        else replace(lesion, region=None, region_probability=None)
        for lesion in segmentation.lesions
    )
    return replace(segmentation, lesions=lesions)


def _regions(
    spec: ReportSpec, result: Result, segmentation: Segmentation, found: CorrectedPlaces
) -> RegionFacts | None:
    """Counts and dissemination in space of the corrected lesions; None where the run did not find where its own lie."""
    if result.regions is None:
        return None
    entered = {"spinal_cord": spec.spinal_cord, "optic_nerve": spec.optic_nerve}
    return correct_region_facts(result.regions, segmentation, found.places, entered)


def _corrected(result: Result, segmentation: Segmentation, regions: RegionFacts | None) -> Result:
    """The facts of the run, with those of the correction in their place."""
    own = (result.threshold, result.min_lesion_mm3) == (segmentation.threshold, segmentation.min_lesion_mm3)
    return result.model_copy(
        update={
            "threshold": segmentation.threshold,
            "min_lesion_mm3": segmentation.min_lesion_mm3,
            "operating_point": result.operating_point if own else "chosen by the reader",
            "regions": regions,
            "lesions": LesionFacts(
                count=len(segmentation.lesions),
                volume_ml=segmentation.volume_ml,
                soft_volume_ml=segmentation.soft_volume_ml,
                volume_interval_ml=segmentation.volume_interval_ml,
            ),
            "uncertainty": UncertaintyFacts(
                mean_entropy_in_lesions=segmentation.mean_entropy_in_lesions_nats, psu=segmentation.psu
            ),
        }
    )


def _put(page: str, out: Path) -> None:
    """Whole or not at all."""
    partial = name_partial(out)
    try:
        remove_abandoned(out)
        partial.write_text(page, encoding="utf-8")
        os.replace(partial, out)
    except PermissionError:
        raise RequestError(
            f"{out.name} cannot be written to", remedy="close the file, or choose another --out"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
