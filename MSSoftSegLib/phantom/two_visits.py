"""The digital patient at two visits: the same head scanned twice, with changes of its lesions that are known.

Anatomy, texture and negatives are one person's; pose, coil shading and noise are drawn anew for each scan, and the scanner
may be another. Lesions are changed one connected focus at a time, by moving their border or leaving them out at one visit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.phantom.acquisition import Acquisition, acquire, native_grid, sample_patient
from MSSoftSegLib.phantom.appearance import Body, draw_contrast
from MSSoftSegLib.phantom.contrasts import TissueIntensities, typical_intensities
from MSSoftSegLib.phantom.digital_patient import place_on_head
from MSSoftSegLib.phantom.misalignment import compose, draw_move

# A focus is where at least this fraction of a voxel is lesion; fainter rims belong to the nearest focus.
FOCUS_FRACTION = 0.3
BORDER_MM = 1.6
# How far a border moves, from clearly visible at 1 mm to doubling a small lesion; and to close the gap between two.
STEP_MM = (1.0, 2.2)
MERGING_STEP_MM = 3.0
# No focus reaches further than this beyond its box.
REACH_MM = 6.0
EVERY_NEIGHBOR = np.ones((3, 3, 3))


class Fate(StrEnum):
    """What becomes of a focus between the visits."""

    UNCHANGED = "unchanged"
    NEW = "new"
    GROWING = "growing"
    SHRINKING = "shrinking"
    VANISHING = "vanishing"
    MERGING = "merging"


@dataclass(frozen=True)
class PlannedChange:
    """One focus: its label in ``foci``, its fate, and volumes (mm³, ΣP-like sums of fractions) at both visits."""

    label: int
    fate: Fate
    before_mm3: float
    after_mm3: float


@dataclass(frozen=True)
class Scanner:
    """How one visit is scanned: grids and noise by contrast, tissue intensities, and the seed of pose, shading and noise."""

    acquisitions: tuple[Acquisition, ...]
    intensities: Mapping[Modality, TissueIntensities]
    seed: int


@dataclass(frozen=True)
class DigitalVisit:
    """One scan. truth: float32, the lesions' fraction of each FLAIR voxel. native_from_patient: by contrast, LPS mm.

    patient_truth, patient_brain: float32 on the patient's grid.
    """

    exam: Exam
    truth: sitk.Image
    patient_truth: sitk.Image
    patient_brain: sitk.Image
    native_from_patient: Mapping[Modality, sitk.Euler3DTransform]


@dataclass(frozen=True)
class DigitalPair:
    """Two scans of one person. foci: uint16 labels on the patient's grid, of the union of both visits' lesions."""

    before: DigitalVisit
    after: DigitalVisit
    foci: sitk.Image
    changes: tuple[PlannedChange, ...]


def typical_scanner(acquisitions: tuple[Acquisition, ...], seed: int) -> Scanner:
    """A scanner whose contrasts are those that a reader expects."""
    return Scanner(acquisitions, {modality: typical_intensities(modality) for modality in MODALITIES}, seed)


def make_digital_pair(
    body: Body, *, seed: int, fates: Mapping[Fate, int], scanners: tuple[Scanner, Scanner]
) -> DigitalPair:
    """One patient (``draw_body``) at two visits. fates: how many foci have each, as far as there are enough."""
    rng = np.random.default_rng([seed, 4711])
    fractions, foci, changes = _planned(body, fates, rng=rng)
    visits = [
        _scanned(replace(body, lesions=replace(body.lesions, fraction=fraction)), scanner, seed)
        for fraction, scanner in zip(fractions, scanners, strict=True)
    ]
    return DigitalPair(visits[0], visits[1], place_on_head(body, foci.astype(np.float32)), changes)


def _planned(
    body: Body, fates: Mapping[Fate, int], *, rng: np.random.Generator
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, tuple[PlannedChange, ...]]:
    """Lesion fractions at both visits, the labels of their foci, and what was planned."""
    spacing = body.anatomy.frame.spacing_mm
    whole = body.lesions.fraction
    labels, count = ndimage.label(whole >= FOCUS_FRACTION, EVERY_NEIGHBOR)
    nearest = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    owner = labels[tuple(nearest)]
    boxes = [_widened(box, whole.shape, spacing) for box in ndimage.find_objects(labels, count)]
    fate_of = _assigned(labels, boxes, fates, spacing, rng=rng)
    before, after = np.zeros_like(whole), np.zeros_like(whole)
    for label, box in enumerate(boxes, start=1):
        own = np.where(owner[box] == label, whole[box], 0)
        host = np.clip(body.anatomy.white[box], 0, 1)
        one, other = _at_both(own, fate_of.get(label, Fate.UNCHANGED), host, spacing, rng=rng)
        before[box], after[box] = np.maximum(before[box], one), np.maximum(after[box], other)
    either, number = ndimage.label(np.maximum(before, after) >= FOCUS_FRACTION, EVERY_NEIGHBOR)
    return (before, after), either, _changes(labels, fate_of, either, number, before, after, spacing)


def _widened(box: tuple[slice, ...], shape: tuple[int, ...], spacing: float) -> tuple[slice, ...]:
    """A box and what a focus in it can reach by growing."""
    reach = int(np.ceil(REACH_MM / spacing))
    return tuple(slice(max(a.start - reach, 0), min(a.stop + reach, n)) for a, n in zip(box, shape, strict=True))


def _assigned(
    labels: np.ndarray,
    boxes: Sequence[tuple[slice, ...]],
    fates: Mapping[Fate, int],
    spacing: float,
    *,
    rng: np.random.Generator,
) -> dict[int, Fate]:
    """Which focus has which fate. Merging takes two foci at a time, the pairs that lie nearest to each other."""
    fate_of: dict[int, Fate] = {}
    for pair in _near_pairs(labels, boxes, spacing):
        merging = sum(fate is Fate.MERGING for fate in fate_of.values()) // 2
        if merging < fates.get(Fate.MERGING, 0) and not set(pair) & set(fate_of):
            fate_of.update(dict.fromkeys(pair, Fate.MERGING))
    free = [label for label in range(1, len(boxes) + 1) if label not in fate_of]
    order = list(rng.permutation(free))
    for fate in (Fate.NEW, Fate.GROWING, Fate.SHRINKING, Fate.VANISHING):
        for _ in range(min(fates.get(fate, 0), len(order))):
            fate_of[int(order.pop())] = fate
    return fate_of


def _near_pairs(labels: np.ndarray, boxes: Sequence[tuple[slice, ...]], spacing: float) -> list[tuple[int, int]]:
    """Pairs of foci that growth by a merging step joins, nearest first."""
    found = []
    for label, box in enumerate(boxes, start=1):
        near = labels[box]
        distance = ndimage.distance_transform_edt(near != label) * spacing
        others = {int(n) for n in np.unique(near[distance <= 2 * MERGING_STEP_MM])} - {0, label}
        found += [(float(distance[near == n].min()), label, n) for n in others if n > label]
    return [(one, other) for _, one, other in sorted(found)]


def _at_both(
    own: np.ndarray, fate: Fate, host: np.ndarray, spacing: float, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A focus' fractions at both visits."""
    nothing = np.zeros_like(own)
    if fate is Fate.NEW:
        return nothing, own
    if fate is Fate.VANISHING:
        return own, nothing
    if fate is Fate.UNCHANGED:
        return own, own
    step_mm = MERGING_STEP_MM if fate is Fate.MERGING else float(rng.uniform(*STEP_MM))
    changed = np.maximum(_grown(own, step_mm, host, spacing), own)
    return (changed, own) if fate is Fate.SHRINKING else (own, changed)


def _grown(own: np.ndarray, step_mm: float, host: np.ndarray, spacing: float) -> np.ndarray:
    """The focus with its border moved outwards by step_mm, within white matter, as soft as a lesion's border is."""
    inside = own >= 0.5 * own.max()
    outward_mm = ndimage.distance_transform_edt(~inside) * spacing
    grown: np.ndarray = np.clip((step_mm - outward_mm) / BORDER_MM + 0.5, 0, 1) * host
    return grown.astype(np.float32)


def _changes(
    labels: np.ndarray,
    fate_of: Mapping[int, Fate],
    either: np.ndarray,
    count: int,
    before: np.ndarray,
    after: np.ndarray,
    spacing: float,
) -> tuple[PlannedChange, ...]:
    """Per focus of the union: its fate, the most telling of those of the foci that it holds."""
    changes = []
    for label, box in enumerate(ndimage.find_objects(either, count), start=1):
        inside = either[box] == label
        fates = {fate_of.get(int(n), Fate.UNCHANGED) for n in np.unique(labels[box][inside])} - {Fate.UNCHANGED}
        fates_by_rank = [fate for fate in Fate if fate in fates]
        fate = fates_by_rank[0] if len(fates_by_rank) == 1 else _mixed(fates_by_rank)
        volumes = [float(part[box][inside].sum() * spacing**3) for part in (before, after)]
        changes.append(PlannedChange(label, fate, *volumes))
    return tuple(changes)


def _mixed(fates: Sequence[Fate]) -> Fate:
    """Foci of several fates that touch: growth, where any of them grew."""
    if not fates:
        return Fate.UNCHANGED
    return Fate.MERGING if Fate.MERGING in fates else Fate.GROWING


def _scanned(body: Body, scanner: Scanner, seed: int) -> DigitalVisit:
    """The patient as she is at one visit, scanned."""
    rng = np.random.default_rng([scanner.seed, seed])
    pose = draw_move(limit_deg=6, limit_mm=8, rng=rng)
    images, moves = {}, {}
    for acquisition in scanner.acquisitions:
        modality = acquisition.modality
        move = pose if modality is Modality.FLAIR else compose(draw_move(limit_deg=1, limit_mm=1, rng=rng), pose)
        # What is the patient's own (texture, uneven lesions) is the same at every visit.
        own = np.random.default_rng([seed, MODALITIES.index(modality)])
        look = draw_contrast(body, modality, scanner.intensities[modality], rng=own)
        image = acquire(body.head_frame.grid.image(look), acquisition, move, rng=rng)
        images[modality] = ExamImage(modality, image, f"{modality.name}.nii.gz", None)
        moves[modality] = move
    truth = place_on_head(body, body.lesions.fraction)
    flair_grid: Grid = native_grid(next(a for a in scanner.acquisitions if a.modality is Modality.FLAIR))
    seen = np.clip(sample_patient(truth, flair_grid, moves[Modality.FLAIR]), 0, 1)
    return DigitalVisit(
        Exam(images), flair_grid.image(seen), truth, place_on_head(body, np.clip(body.anatomy.brain, 0, 1)), moves
    )
