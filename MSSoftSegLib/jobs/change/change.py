"""The ``change`` job: visits in, what is new, grew, went or stayed out."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from MSSoftSegLib.change.comparison import Comparison, compare_visits
from MSSoftSegLib.change.differences import check_comparable, findings
from MSSoftSegLib.change.document import ChangeDocument
from MSSoftSegLib.change.readers_mask import apply_readers_mask
from MSSoftSegLib.change.reading import read_visit
from MSSoftSegLib.change.registration import register_visits
from MSSoftSegLib.change.visit import Visit
from MSSoftSegLib.jobs.change.masks import check_masks, reader_masks
from MSSoftSegLib.jobs.change.placing import VisitRegions, place_groups
from MSSoftSegLib.jobs.change.sources import Source, check_models, sources
from MSSoftSegLib.jobs.change.writing import NamedPair, pair_name, write_comparisons
from MSSoftSegLib.jobs.documents.change import AUTOMATIC, MODEL, ChangeJob, ChangeSpec
from MSSoftSegLib.jobs.documents.exam_source import ExamSource
from MSSoftSegLib.jobs.documents.segment import SegmentJob, SegmentSpec
from MSSoftSegLib.jobs.events import Emit, Event, Reporter
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.region.exam_regions import REGION_SECONDS
from MSSoftSegLib.result_folder import check_target, write_completely

LOGGER = logging.getLogger(__name__)

# Shares of the whole, in seconds as measured on two cores: an exam to segment or a result to read, and per pair of visits.
SEGMENTING_S, READING_S = 60.0, 2.0
PAIR_SHARES = {"registration": 15.0, "comparison": 12.0, "regions": REGION_SECONDS}
WRITING_S = 8.0
SEGMENTED_FOLDER = "visits"


def run_change(job: ChangeJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the folder of the comparison. Nothing is left where it does not come to its end."""
    spec = job.spec
    named = [Path(each.mask) for each in spec.masks if each.mask not in (AUTOMATIC, MODEL)]
    check_target(spec.out, overwrite=spec.overwrite, inputs=[*spec.visits, *named, Path(spec.preprocessing.brain)])
    found = sources(spec.visits)
    masks = reader_masks(spec.visits, [source.name for source in found], spec.masks, spec.rater)
    check_masks(found, masks)
    check_models(found, find_bundle(spec.model))
    reporter = Reporter(job.job, _shares(found), emit, cancelled)
    reporter.started(job.kind)
    with write_completely(spec.out, overwrite=spec.overwrite) as folder:
        visits, segmented = [], []
        results: dict[str, Path] = {}
        for number, (source, mask) in enumerate(zip(found, masks, strict=True), start=1):
            visit, own = _segmented(job, source, number, folder, reporter)
            visits.append(visit if mask is None else apply_readers_mask(visit, mask))
            segmented.append(own)
            results[visit.name] = source.folder if own is None else folder / own
        pairs = _compared(visits, spec, reporter, VisitRegions(results))
        reporter.progress("report", 0.0)
        document = write_comparisons(folder, pairs, segmented=segmented, percent=spec.enlarging_percent)
        reporter.progress("report", 1.0)
    reporter.result(spec.out.name, _summary(document))
    return spec.out


def _shares(found: Sequence[Source]) -> dict[str, float]:
    """Stages in order and what each takes of the whole."""
    pairs = len(found) - 1
    visits = {_stage(source): SEGMENTING_S if source.result is None else READING_S for source in found}
    return {**visits, **{stage: pairs * seconds for stage, seconds in PAIR_SHARES.items()}, "report": WRITING_S}


def _stage(source: Source) -> str:
    """A visit's stage."""
    return source.name.replace(" ", "-")


def _segmented(
    job: ChangeJob, source: Source, number: int, folder: Path, reporter: Reporter
) -> tuple[Visit, str | None]:
    """The visit, segmented into the result where it is not yet, and the folder of its segmentation there."""
    stage = _stage(source)
    reporter.progress(stage, 0.0)
    if source.result is not None:
        return source.result, None
    own = f"{SEGMENTED_FOLDER}/{number}"
    spec = SegmentSpec(
        exam=ExamSource(folder=source.folder),
        out=folder / own,
        model=job.spec.model,
        device=job.spec.device,
        preprocessing=job.spec.preprocessing,
        tta=job.spec.tta,
        use_cache=job.spec.use_cache,
    )

    def heard(event: Event) -> None:
        # The inner job's beginning and end are not this job's; its progress is a part of it.
        if event["event"] == "progress":
            reporter.progress(stage, event["overall"], event["stage"])

    # Here, because finished results need no network, and torch takes seconds to load.
    from MSSoftSegLib.jobs.segment.segment import run_segment

    inner = SegmentJob(job=job.job, kind="segment", spec=spec)
    run_segment(inner, heard, reporter.cancelled)
    return read_visit(folder / own, name=source.name), own


def _compared(visits: Sequence[Visit], spec: ChangeSpec, reporter: Reporter, regions: VisitRegions) -> list[NamedPair]:
    """Every two neighboring visits; what differs besides disease is an event as soon as it is known."""
    neighbors = list(itertools.pairwise(visits))
    for before, after in neighbors:
        check_comparable(before, after)
    ways = []
    for position, (before, after) in enumerate(neighbors):
        reporter.progress("registration", position / len(neighbors))
        ways.append(register_visits(before, after))
    pairs = []
    for position, ((before, after), way) in enumerate(zip(neighbors, ways, strict=True)):
        reporter.progress("comparison", position / len(neighbors))
        comparison: Comparison = compare_visits(before, after, way, percent=spec.enlarging_percent)
        for finding in findings(comparison):
            LOGGER.warning("%s", finding.text)
        pairs.append(NamedPair(pair_name(position + 1), comparison))
    for position, pair in enumerate(pairs):
        reporter.progress("regions", position / len(pairs))
        pairs[position] = replace(pair, comparison=place_groups(pair.comparison, regions))
    return pairs


def _summary(document: ChangeDocument) -> dict[str, Any]:
    """What whoever waits for the job is told at once."""
    return {
        "visits": [
            {
                "name": visit.name,
                "lesions": visit.lesions,
                "volume_ml": round(visit.volume_ml, 3),
                "mask": visit.mask.value,
                "rater": visit.rater,
            }
            for visit in document.visits
        ],
        "pairs": [
            {"name": pair.name, **{change.value: count for change, count in pair.counts.items()}}
            for pair in document.pairs
        ],
        "findings": [finding.text for pair in document.pairs for finding in pair.findings],
    }
