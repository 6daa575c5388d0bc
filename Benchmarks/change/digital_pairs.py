"""Digital patients at two visits as comparisons see them: segmented by the shipped network.

Used by ``calibration.py``. The exams skip the steps whose answer is known here (alignment of
T1 and T2, brain extraction, bias correction: what coil shading correction leaves is drawn), so that a pair costs seconds.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.change.halfway import HalfWay, half_way
from MSSoftSegLib.change.registration import brain_points_mm
from MSSoftSegLib.change.visit import NativeImage, Visit
from MSSoftSegLib.exam.geometry import Grid, image_like, isotropic_grid_around, resample, voxels
from MSSoftSegLib.exam.linear import make_affine, matrix_of
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.inference.native_grid import resample_to_native
from MSSoftSegLib.inference.predict import network_input, predict_members
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.network.catalog import SHIPPED_MODEL, find_bundle
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.network.window import window_of
from MSSoftSegLib.phantom.acquisition import Acquisition
from MSSoftSegLib.phantom.anatomy import Anatomy, draw_anatomy
from MSSoftSegLib.phantom.appearance import Body
from MSSoftSegLib.phantom.hard_negatives import draw_hard_negatives
from MSSoftSegLib.phantom.lesions import LesionSettings, draw_lesions
from MSSoftSegLib.phantom.misalignment import compose, draw_move, invert
from MSSoftSegLib.phantom.two_visits import DigitalPair, DigitalVisit, Fate, Scanner, make_digital_pair, typical_scanner
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

# What coil shading correction leaves, and noise of a good and of a poor scan; FLAIR voxels of three protocols, mm.
BIAS = 0.06
NOISE = (0.025, 0.045)
FLAIR_VOXELS = ((1.0, 1.0, 1.0), (0.9, 0.9, 3.0), (0.9, 0.9, 5.0))
CHANGING = {Fate.NEW: 4, Fate.GROWING: 3, Fate.SHRINKING: 3, Fate.VANISHING: 3, Fate.MERGING: 1}
NOTHING: dict[Fate, int] = {}
PAIRS_PER_BRAIN = 4
# What registration leaves: assumed, larger than the 0.11 mm that elastix leaves of a known motion.
RESIDUAL_DEG, RESIDUAL_MM = 0.15, 0.2


@dataclass(frozen=True)
class Protocols:
    """Which FLAIR voxels the two visits have, and whether noise differs."""

    before: int
    after: int

    @property
    def words(self) -> str:
        """As in "1 and 3 mm"."""
        return " and ".join(f"{FLAIR_VOXELS[n][2]:.0f}" for n in (self.before, self.after)) + " mm"


def protocols_of(number: int) -> Protocols:
    """Half of the pairs have one protocol, the rest differ in slice thickness."""
    table = ((0, 0), (1, 1), (0, 1), (2, 2), (1, 1), (1, 2))
    return Protocols(*table[number % len(table)])


def drawn_pair(number: int, *, changing: bool, modalities: tuple[Modality, ...] = (Modality.FLAIR,)) -> DigitalPair:
    """Pair number n: patient, fates and scanners follow from it."""
    rng = np.random.default_rng([20260101, number])
    chosen = protocols_of(number)
    scanners = tuple(
        _scanner(FLAIR_VOXELS[voxels_of], float(rng.uniform(*NOISE)), modalities, seed=10_000 + 2 * number + visit)
        for visit, voxels_of in enumerate((chosen.before, chosen.after))
    )
    lesions = LesionSettings(count=int(rng.integers(24, 40)), total_ml=float(rng.uniform(3, 12)))
    fates = CHANGING if changing else NOTHING
    return make_digital_pair(
        brain_alone(number, lesions), seed=5000 + number, fates=fates, scanners=(scanners[0], scanners[1])
    )


@lru_cache(maxsize=1)
def _anatomy(seed: int) -> Anatomy:
    return draw_anatomy(1.0, rng=np.random.default_rng([5000, seed]))


def brain_alone(number: int, settings: LesionSettings) -> Body:
    """A brain without its head. PAIRS_PER_BRAIN pairs in a row share the anatomy; lesions are every pair's own."""
    anatomy = _anatomy(number // PAIRS_PER_BRAIN)
    lesions = draw_lesions(anatomy, settings, rng=np.random.default_rng([5001, number]))
    negatives = draw_hard_negatives(anatomy, lesions.fraction, rng=np.random.default_rng([5002, number]))
    return Body(anatomy, lesions, negatives, anatomy.frame, np.zeros(anatomy.frame.shape, np.uint8))


def _scanner(
    flair_voxel: tuple[float, float, float], noise: float, modalities: tuple[Modality, ...], *, seed: int
) -> Scanner:
    every = {
        Modality.FLAIR: Acquisition(Modality.FLAIR, flair_voxel, "LPS", tilt_deg=6.0, bias=BIAS, noise=noise),
        Modality.T1: Acquisition(Modality.T1, (1.0, 1.0, 1.0), "LPS", bias=BIAS, noise=noise),
        Modality.T2: Acquisition(Modality.T2, (0.8, 0.8, 3.0), "LPS", tilt_deg=5.0, bias=BIAS, noise=noise),
    }
    return typical_scanner(tuple(every[modality] for modality in modalities), seed)


def working_exam(visit: DigitalVisit) -> WorkingExam:
    """The scan on its working grid, by the transforms and the brain that are known."""
    native = {modality: Grid.of(visit.exam.image(modality)) for modality in visit.exam.modalities}
    from_flair = {
        modality: compose(visit.native_from_patient[modality], invert(visit.native_from_patient[Modality.FLAIR]))
        for modality in native
    }
    to_patient = invert(visit.native_from_patient[Modality.FLAIR])
    seen = resample(visit.patient_brain, native[Modality.FLAIR], source_from_grid=to_patient)
    rough = sitk.BinaryThreshold(seen, 0.5, 9.0, 1, 0)
    grid = isotropic_grid_around(rough, spacing_mm=1.0, margin_mm=2.0, multiple=16)
    brain = resample(visit.patient_brain, grid, source_from_grid=to_patient)
    mask = sitk.BinaryThreshold(brain, 0.5, 9.0, 1, 0)
    images = {
        modality: sitk.Mask(resample(visit.exam.image(modality), grid, source_from_grid=from_flair[modality]), mask)
        for modality in native
    }
    return WorkingExam(images, mask, Modality.FLAIR, from_flair, native, {})


def as_visit(working: WorkingExam, probability: np.ndarray, name: str, description: ModelDescription) -> Visit:
    """The visit as ``segment`` leaves it; probability: float32 (z, y, x) on the working grid."""
    grid = working.native_grids[Modality.FLAIR]
    whole = working.grid.image(probability)
    native = resample_to_native(whole, grid, working_from_native=sitk.Transform(3, sitk.sitkIdentity))
    instances = label_instances(
        voxels(native),
        threshold=description.threshold,
        min_lesion_mm3=description.min_lesion_mm3,
        voxel_volume_mm3=grid.voxel_volume_mm3,
    )
    images = {modality: NativeImage(own.spacing_mm, None) for modality, own in working.native_grids.items()}
    model = (description.name, description.version, "")
    return Visit(
        name,
        working,
        whole,
        native,
        image_like(native, instances),
        Modality.FLAIR,
        images,
        description.threshold,
        model,
    )


class Network:
    """The shipped model on one working exam, on the processor."""

    def __init__(self, tta: str) -> None:
        bundle = find_bundle(SHIPPED_MODEL)
        self.description, self.networks, self.tta = bundle.description, load_networks(bundle), tta

    def probability(self, working: WorkingExam) -> np.ndarray:
        """Mean over the members, float32 (z, y, x), 0 outside the brain."""
        own = self.description
        members = predict_members(
            self.networks,
            network_input(working, own),
            tta=self.tta,
            temperature=own.calibration.temperature,
            device=choose_device("cpu"),
            activation=own.activation,
            floor=own.activation_floor,
            window=window_of(own),
        )
        mean = np.mean([member.numpy() for member in members], axis=0)
        return (mean * voxels(working.brain_mask)).astype(np.float32)


@dataclass(frozen=True)
class StoredPair:
    """A pair as it is kept between runs: both visits, the foci and fates, and where the patient lies at each visit."""

    visits: tuple[Visit, Visit]
    foci: sitk.Image
    fates: dict[int, tuple[Fate, float, float]]
    flair_from_patient: tuple[sitk.Transform, sitk.Transform]


def pair_file(folder: Path, number: int) -> Path:
    """Where pair n is kept."""
    return folder / f"pair{number:03d}.npz"


def keep_pair(number: int, folder: Path, network: Network) -> None:
    """Draw, segment and keep pair n; every third pair is unchanged."""
    modalities = (Modality.FLAIR, Modality.T1, Modality.T2)
    pair = drawn_pair(number, changing=is_changing(number), modalities=modalities)
    arrays: dict[str, np.ndarray] = {"foci": voxels(pair.foci).astype(np.uint16)}
    facts: dict[str, object] = {"foci": _grid_facts(Grid.of(pair.foci))}
    facts["fates"] = {change.label: (change.fate, change.before_mm3, change.after_mm3) for change in pair.changes}
    for name, scan in (("before", pair.before), ("after", pair.after)):
        working = working_exam(scan)
        arrays[f"{name}_p"] = network.probability(working).astype(np.float16)
        arrays[f"{name}_flair"] = voxels(working.images[Modality.FLAIR]).astype(np.float16)
        arrays[f"{name}_brain"] = voxels(working.brain_mask)
        arrays[f"{name}_pose"] = matrix_of(scan.native_from_patient[Modality.FLAIR])
        facts[name] = {
            "working": _grid_facts(working.grid),
            "native": {modality: _grid_facts(own) for modality, own in working.native_grids.items()},
        }
    partial = folder / f".{number:03d}.partial.npz"
    np.savez_compressed(partial, facts=np.array(json.dumps(facts)), **arrays)
    partial.rename(pair_file(folder, number))


def is_changing(number: int) -> bool:
    """Every third pair is the same patient scanned twice."""
    return number % 3 != 2


def kept_pair(number: int, folder: Path, description: ModelDescription) -> StoredPair:
    """Pair n as it was kept."""
    with np.load(pair_file(folder, number), allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    facts = json.loads(str(arrays["facts"]))
    visits, poses = [], []
    for name in ("before", "after"):
        grid = _kept_grid(facts[name]["working"])
        native = {Modality(m): _kept_grid(own) for m, own in facts[name]["native"].items()}
        ways = {modality: sitk.Transform(3, sitk.sitkIdentity) for modality in native}
        flair = grid.image(arrays[f"{name}_flair"].astype(np.float32))
        working = WorkingExam(
            {Modality.FLAIR: flair}, grid.image(arrays[f"{name}_brain"]), Modality.FLAIR, ways, native, {}
        )
        visits.append(as_visit(working, arrays[f"{name}_p"].astype(np.float32), name, description))
        poses.append(arrays[f"{name}_pose"])
    fates = {int(label): (Fate(fate), one, other) for label, (fate, one, other) in facts["fates"].items()}
    foci = _kept_grid(facts["foci"]).image(arrays["foci"].astype(np.float32))
    return StoredPair((visits[0], visits[1]), foci, fates, (make_affine(poses[0]), make_affine(poses[1])))


def known_half_way(pair: StoredPair, number: int) -> HalfWay:
    """The half-way space from the poses that are known, with an error of registration added to each direction."""
    rng = np.random.default_rng([77, number])
    before, after = (matrix_of(pose) for pose in pair.flair_from_patient)
    truth = after @ np.linalg.inv(before)
    errors = [matrix_of(draw_move(limit_deg=RESIDUAL_DEG, limit_mm=RESIDUAL_MM, rng=rng)) for _ in range(2)]
    points = brain_points_mm(pair.visits[0].working.brain_mask)
    return half_way(errors[0] @ truth, errors[1] @ np.linalg.inv(truth), points)


def _grid_facts(grid: Grid) -> dict[str, object]:
    return asdict(grid)


def _kept_grid(facts: dict[str, list[float]]) -> Grid:
    """A grid as JSON kept it, whose tuples have become lists."""
    return Grid(**{name: tuple(values) for name, values in facts.items()})  # type: ignore[arg-type]
