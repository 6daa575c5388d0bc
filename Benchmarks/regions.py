"""How well regions are found: ventricles of real exams, places of digital patients' lesions, and what misregistration does.

    python Benchmarks/regions.py [--working FOLDER --data ../shared/data] [--patients 3 --first 0] [--places-only]
    python Benchmarks/regions.py --patients 4 --first 30 --scan clinical --places-only --wrong
    python Benchmarks/regions.py --working FOLDER --patients 0 --misregistered 3

Ventricles: working exams (`mssoftseg preprocess`) in FOLDER, named `tabriz_t01`, `tabriz_t04_visit1` and so on, against the
manual `ventricles.nii.gz` of the exam (`tabriz/t01` of the data) on FLAIR's own slices. Places: digital patients whose anatomy
is known, in 2 mm voxels or, with --scan clinical (FLAIR and T2 in slices of 3 mm) and --scan isotropic, in the 1 mm voxels in
which exams are worked on; the place of a lesion by the map that was found is right where it is the one that the same rules give
on the true anatomy, and admissible where it is one of the true ones (a lesion that touches ventricle and cortex has two). --wrong
prints distances and memberships of each lesion that is not right. Ends with who is taken for whom. Misregistration: the affine
transform is turned by 3°, stretched by 3 % and shifted by 5 mm, each in a random direction, before the deformation and instead
of it; left out with --places-only. With --misregistered, instead of the ventricles: the same error as often for each real exam,
at the start of the affine registration and, unmended, at its end; a lesion (component of the manual `lesion.nii.gz`) is changed
where it is named otherwise than without. Prints a table.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial.transform import Rotation

from MSSoftSegLib.exam.geometry import Grid, image_like, isotropic_grid_around, resample, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.phantom.acquisition import sample_patient
from MSSoftSegLib.phantom.anatomy import carry_labels, draw_anatomy
from MSSoftSegLib.phantom.digital_patient import (
    DEMO_SETTINGS,
    ISOTROPIC_SETTINGS,
    SMALL_SETTINGS,
    DigitalPatient,
    make_digital_patient,
)
from MSSoftSegLib.preprocessing.bias_correction import correct_bias
from MSSoftSegLib.preprocessing.pipeline import resample_mask
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.preprocessing.working_folder import read_working_folder
from MSSoftSegLib.region.atlas_regions import AtlasRegions, read_atlas_regions
from MSSoftSegLib.region.exam_anatomy import anatomy_by
from MSSoftSegLib.region.fluid import fluid_fraction
from MSSoftSegLib.region.mapping import map_regions, regions_in
from MSSoftSegLib.region.places import LesionPlace, place_lesions
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import FLUIDS, REGIONS, VENTRICLES, Region
from MSSoftSegLib.region.registration import (
    affine_transform,
    compose_transform,
    find_affine_start,
    find_deformation,
    search_affine,
)
from MSSoftSegLib.resources import find_resources

TURN_DEG, STRETCH, SHIFT_MM = 3.0, 0.03, 5.0
SMALLEST_MM3 = 27.0
RIM_MM = 4.0
# Fluid this near to a ventricle of the atlas is that ventricle's.
WALL_MM = 2.0
# How a digital patient is scanned; her exam is worked on in voxels of her own spacing.
SCANS = {"small": SMALL_SETTINGS, "clinical": DEMO_SETTINGS, "isotropic": ISOTROPIC_SETTINGS}


def ventricle_dice(working: WorkingExam, manual: sitk.Image) -> tuple[float, float]:
    """Dice on FLAIR's slices at a probability of one half, and the seconds of processor time of the whole map."""
    start = time.process_time()
    regions = map_regions(working)
    seconds = time.process_time() - start
    seen = sample_patient(
        working.grid.image(regions.ventricles()), Grid.of(manual), working.native_from_working[Modality.FLAIR]
    )
    found, true = seen >= 0.5, voxels(manual) > 0
    return float(2 * (found & true).sum() / (found.sum() + true.sum())), seconds


def working_of(patient: DigitalPatient) -> WorkingExam:
    """Her exam in voxels of her own spacing, shading corrected as ever, aligned by what is known of her, with the true mask."""
    spacing_mm = patient.settings.patient_spacing_mm
    grid = isotropic_grid_around(patient.brain_mask, spacing_mm=spacing_mm, margin_mm=2.0, multiple=16)
    mask = resample_mask(patient.brain_mask, grid)
    ways = {m: patient.source_from_target(m, Modality.FLAIR) for m in patient.exam.modalities}
    images = {
        m: sitk.Mask(resample(correct_bias(patient.exam.image(m)).image, grid, source_from_grid=way), mask)
        for m, way in ways.items()
    }
    grids = {m: Grid.of(patient.exam.image(m)) for m in images}
    return WorkingExam(images, mask, Modality.FLAIR, ways, grids, {})


def true_regions(seed: int, spacing_mm: float) -> RegionMap:
    """Her own tissues, named by the atlas's labels as the deformation carried them that she was drawn with."""
    anatomy = draw_anatomy(spacing_mm, rng=np.random.default_rng([seed, 0]))
    atlas = sitk.GetArrayFromImage(sitk.ReadImage(str(find_resources() / "Atlas" / "regions.nii.gz")))
    label = carry_labels(atlas, spacing_mm, rng=np.random.default_rng([seed, 0]))
    below = np.isin(label, (Region.INFRATENTORIAL, Region.FOURTH_VENTRICLE))
    inner = {r: label == r for r in (Region.DEEP_GRAY, Region.CORPUS_CALLOSUM)} | {Region.INFRATENTORIAL: below}
    rest = ~np.any(list(inner.values()), axis=0)
    tissue, fluid = anatomy.gray + anatomy.white, fluid_by_space(anatomy.csf, label, spacing_mm)
    # Where fluid and white matter mix at a ventricle's wall a voxel holds some gray matter: that is no cortex.
    ventricles = fluid[Region.LATERAL_VENTRICLE] + fluid[Region.THIRD_VENTRICLE]
    apart_mm = ndimage.distance_transform_edt(ventricles < 0.5, sampling=spacing_mm)
    arrays = {region: np.zeros(label.shape, np.float32) for region in REGIONS}
    arrays |= {region: tissue * there for region, there in inner.items()} | fluid
    arrays[Region.CORTEX] = anatomy.gray * (rest & (apart_mm > RIM_MM))
    arrays[Region.CEREBRAL_WHITE] = tissue * rest - arrays[Region.CORTEX]
    return RegionMap({r: anatomy.frame.grid.image(a.astype(np.float32)) for r, a in arrays.items()}, "truth")


def fluid_by_space(csf: np.ndarray, label: np.ndarray, spacing_mm: float) -> dict[Region, np.ndarray]:
    """Her fluid by the space of the atlas that lies nearest: all of the ventricles, their horns too."""
    known = np.isin(label, FLUIDS) | (label == Region.OUTSIDE)
    apart_mm, nearest = ndimage.distance_transform_edt(~known, sampling=spacing_mm, return_indices=True)
    space = label[tuple(nearest)]
    # A sulcus that the atlas does not know may lie deep, near a ventricle.
    inner = {r: csf * ((space == r) & (apart_mm <= WALL_MM)) for r in VENTRICLES}
    return inner | {Region.OUTER_FLUID: csf - np.sum(list(inner.values()), axis=0)}


def perturbed(affine: sitk.AffineTransform, middle: np.ndarray, *, rng: np.random.Generator) -> sitk.AffineTransform:
    """The transform after the exam was turned, stretched and shifted about its middle, each in a random direction."""
    axis, side = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
    matrix = Rotation.from_rotvec(np.deg2rad(TURN_DEG) * axis).as_matrix() * (1 + STRETCH * rng.choice([-1, 1]))
    after = np.reshape(affine.GetMatrix(), (3, 3))
    start = np.asarray(affine.TransformPoint((middle + SHIFT_MM * side).tolist()))
    moved = sitk.AffineTransform(3)
    moved.SetMatrix((after @ matrix).ravel().tolist())
    moved.SetCenter(middle.tolist())
    moved.SetTranslation((start - middle).tolist())
    return moved


def tissue_of(working: WorkingExam, fluid: sitk.Image) -> sitk.Image:
    """What is registered: brain that is not fluid."""
    return image_like(fluid, ((voxels(working.brain_mask) > 0) * (1 - voxels(fluid))).astype(np.float32))


def deform(atlas: AtlasRegions, tissue: sitk.Image, affine: sitk.AffineTransform) -> sitk.Transform:
    """The deformation that follows from this affine transform, before it."""
    return compose_transform(affine, find_deformation(atlas, tissue, affine))


def middle_of(image: sitk.Image) -> np.ndarray:
    """The middle of its grid, LPS mm."""
    return np.asarray(image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()]))


def changed_places(working: WorkingExam, mask: sitk.Image, times: int) -> tuple[int, np.ndarray]:
    """How many lesions a real exam has, and how many are named otherwise, int (times, 2): start off, affine transform off."""
    atlas, grid, flair = read_atlas_regions(), Grid.of(mask), Modality.FLAIR
    inside = (voxels(mask) > 0).astype(np.float32)
    instances = grid.image(
        label_instances(inside, threshold=0.5, min_lesion_mm3=0.0, voxel_volume_mm3=grid.voxel_volume_mm3)
    )
    lesions = resample(grid.image(inside), working.grid, source_from_grid=working.native_from_working[flair]) > 0.25
    fluid = fluid_fraction(working)
    tissue = tissue_of(working, fluid)
    start, middle = find_affine_start(atlas, tissue), middle_of(tissue)
    affine = search_affine(start, atlas, tissue)

    def places(found_affine: sitk.AffineTransform) -> tuple[LesionPlace, ...]:
        regions = regions_in(anatomy_by(deform(atlas, tissue, found_affine), atlas, working, fluid), working, lesions)
        return place_lesions(instances, regions, working.working_from_native(flair))

    found, changed = places(affine), []
    for seed in range(times):
        start_off, affine_off = (perturbed(each, middle, rng=np.random.default_rng(seed)) for each in (start, affine))
        ways = search_affine(start_off, atlas, tissue), affine_off
        changed.append([len(found) - same(found, places(way)) for way in ways])
    return len(found), np.asarray(changed)


def same(found: tuple[LesionPlace, ...], other: tuple[LesionPlace, ...]) -> int:
    """Lesions with the same place."""
    return sum(a.place is b.place for a, b in zip(found, other, strict=True))


@dataclass(frozen=True)
class Placed:
    """One patient's lesions: their true places, those found, and those found after misregistration (two ways; may be empty)."""

    true: tuple[LesionPlace, ...]
    found: tuple[LesionPlace, ...]
    off: tuple[tuple[LesionPlace, ...], ...]

    @property
    def admissible(self) -> int:
        """Lesions whose named place is one of their true ones."""
        return sum(found.place in true.places for true, found in zip(self.true, self.found, strict=True))

    @property
    def line(self) -> str:
        """A row of the table."""
        count = len(self.true)
        shares = [same(self.true, self.found) / count, self.admissible / count]
        shares += [1 - same(self.found, off) / count for off in self.off]
        return " | ".join([str(count), *(f"{share:.3f}" for share in shares)])


def placed_patient(seed: int, scan: str, *, misregistered: bool) -> Placed:
    """One digital patient's lesions."""
    patient, atlas = make_digital_patient(seed=seed, settings=SCANS[scan]), read_atlas_regions()
    truth = voxels(patient.patient_truth)
    grid = Grid.of(patient.patient_truth)
    instances = grid.image(
        label_instances(truth, threshold=0.5, min_lesion_mm3=SMALLEST_MM3, voxel_volume_mm3=grid.voxel_volume_mm3)
    )
    working = working_of(patient)
    flair_from_patient = patient.native_from_patient[Modality.FLAIR]
    lesions = resample(patient.patient_truth, working.grid, source_from_grid=flair_from_patient.GetInverse()) > 0.25
    fluid = fluid_fraction(working)
    tissue = tissue_of(working, fluid)
    affine = affine_transform(atlas, tissue)
    ways = [deform(atlas, tissue, affine)]
    if misregistered:
        off = perturbed(affine, middle_of(tissue), rng=np.random.default_rng(seed))
        ways += [deform(atlas, tissue, off), off]
    anatomies = (anatomy_by(way, atlas, working, fluid) for way in ways)
    found = [
        place_lesions(instances, regions_in(anatomy, working, lesions), flair_from_patient) for anatomy in anatomies
    ]
    return Placed(place_lesions(instances, true_regions(seed, grid.spacing_mm[0])), found[0], tuple(found[1:]))


def write_wrong(placed: Placed) -> None:
    """Each lesion whose place is not right: the true place, then the one that was found."""
    for true, found in zip(placed.true, placed.found, strict=True):
        if true.place is not found.place:
            length = f"{true.longest_axis_mm:.0f} mm long"
            sys.stdout.write(f"| lesion {true.id}, {length} | {described(true)} | {described(found)} |\n")


def described(place: LesionPlace) -> str:
    """Names, gaps to ventricle and cortex, and what belongs to a place at all."""
    gaps = ", ".join(
        "–" if gap is None else f"{gap:.1f}" for gap in (place.distance_to_ventricle_mm, place.distance_to_cortex_mm)
    )
    members = ", ".join(f"{name} {share:.2f}" for name, share in place.membership.items() if share >= 0.05)
    return f"{' + '.join(place.places)}; {gaps} mm; {members}"


def write_misregistered(working: Path, data: Path, times: int) -> None:
    """The table of real exams' lesions whose place misregistration changes."""
    sys.stdout.write("| exam | lesions | changed with the start off | with the affine transform off |\n")
    lesions, changed = 0, np.zeros(2, int)
    for folder in sorted(working.iterdir()):
        mask = sitk.ReadImage(str(data / folder.name.replace("_", "/") / "lesion.nii.gz"))
        count, each = changed_places(read_working_folder(folder), mask, times)
        lesions, changed = lesions + count, changed + each.sum(axis=0)
        columns = " | ".join(", ".join(map(str, column)) for column in each.T)
        sys.stdout.write(f"| {folder.name} | {count} | {columns} |\n")
        sys.stdout.flush()
    shares = " | ".join(f"{share:.3f}" for share in changed / (lesions * times))
    sys.stdout.write(f"| share of {lesions} lesions, {times} times | | {shares} |\n")


def write_ventricles(working: Path, data: Path) -> None:
    """The table of real exams' ventricles."""
    dice = []
    for folder in sorted(working.glob("tabriz_*")):
        manual = sitk.ReadImage(str(data / folder.name.replace("_", "/") / "ventricles.nii.gz"))
        score, seconds = ventricle_dice(read_working_folder(folder), manual)
        dice.append(score)
        sys.stdout.write(f"| {folder.name} | ventricle DSC {score:.3f} | {seconds:.1f} s of processor time |\n")
        sys.stdout.flush()
    sys.stdout.write(f"| mean of {len(dice)} | ventricle DSC {np.mean(dice):.3f} | |\n" if dice else "")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--working", type=Path, help="folder of working exams")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--misregistered", type=int, default=0, help="errors drawn for each exam of --working")
    parser.add_argument("--patients", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="number of the first digital patient")
    parser.add_argument("--scan", choices=sorted(SCANS), default="small", help="how digital patients are scanned")
    parser.add_argument("--places-only", action="store_true")
    parser.add_argument("--wrong", action="store_true", help="each lesion whose place is not right")
    given = parser.parse_args()
    if given.working and given.misregistered:
        write_misregistered(given.working, given.data, given.misregistered)
    elif given.working:
        write_ventricles(given.working, given.data)
    write = sys.stdout.write
    heads = "patient | lesions | place right | admissible"
    heads += "" if given.places_only else " | changed by misregistration before the deformation | instead of it"
    write(f"| {heads} |\n" if given.patients else "")
    confused: Counter[tuple[str, str]] = Counter()
    for seed in range(given.first, given.first + given.patients):
        placed = placed_patient(seed, given.scan, misregistered=not given.places_only)
        confused.update((true.place, found.place) for true, found in zip(placed.true, placed.found, strict=True))
        write(f"| {seed} | {placed.line} |\n")
        if given.wrong:
            write_wrong(placed)
        sys.stdout.flush()
    for (true, found), count in sorted(confused.items()):
        write(f"| {true} taken for {found} | {count} |\n")


if __name__ == "__main__":
    main()
