"""A segmentation that the user has already (FreeSurfer, SynthSeg, any other) as a region map, instead of the atlas.

Label numbers: FreeSurfer's color table, which SynthSeg shares; with cortical parcellation all of 1000–2999 is cortex.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, RequestError
from MSSoftSegLib.exam.geometry import Grid, resample, voxels
from MSSoftSegLib.exam.image_file import LABEL_TOLERANCE
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.region.choices import Scheme
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import REGIONS, Region

PARCELS = range(1000, 3000)
FREESURFER: Mapping[Region, frozenset[int]] = {
    # 77-79: white matter hypointensities, 5001 and 5002: white matter far from every gyrus, 3000-4999: of each gyrus.
    Region.CEREBRAL_WHITE: frozenset({2, 41, 77, 78, 79, 5001, 5002, 85, 30, 62, *range(3000, 5000)}),
    # Hippocampus and amygdala are of the temporal lobe.
    Region.CORTEX: frozenset({3, 42, 17, 18, 53, 54, 19, 20, 55, 56, *PARCELS}),
    Region.DEEP_GRAY: frozenset({9, 10, 11, 12, 13, 26, 28, 48, 49, 50, 51, 52, 58, 60}),
    Region.CORPUS_CALLOSUM: frozenset({192, 250, 251, 252, 253, 254, 255}),
    Region.INFRATENTORIAL: frozenset({6, 7, 8, 16, 45, 46, 47, 170, 171, 172, 173, 174, 175, 177, 178}),
    Region.LATERAL_VENTRICLE: frozenset({4, 5, 31, 43, 44, 63}),
    Region.THIRD_VENTRICLE: frozenset({14}),
    Region.FOURTH_VENTRICLE: frozenset({15}),
    Region.OUTER_FLUID: frozenset({24, 257}),
}
NEEDED = (Region.CEREBRAL_WHITE, Region.CORTEX, Region.LATERAL_VENTRICLE)


def numbers_of(scheme: Scheme, table: Path | None) -> Mapping[Region, frozenset[int]]:
    """The label numbers of each region. table: for `custom`, a JSON file like ``{"cortex": [3], "lateral_ventricle": [4]}``."""
    if scheme is not Scheme.CUSTOM:
        if table is not None:
            raise RequestError(f"{table.name} is for --scheme custom", remedy="leave --region-numbers out")
        return FREESURFER
    if table is None:
        raise RequestError(
            "--scheme custom does not say which label is what",
            remedy='add --region-numbers FILE.json such as {"cortex": [3, 42], "lateral_ventricle": [4, 43], …}',
        )
    return _read_table(table)


def _read_table(table: Path) -> Mapping[Region, frozenset[int]]:
    names = {region.name.lower(): region for region in REGIONS}
    try:
        document = parse_json(table.read_bytes())
        numbers = {names[name]: frozenset(int(number) for number in listed) for name, listed in document.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise RequestError(
            f"{table.name} is no table of regions",
            remedy=f"give a JSON object with lists of numbers for {', '.join(names)}",
        ) from None
    seen: set[int] = set()
    for region, listed in numbers.items():
        if twice := seen & listed:
            raise RequestError(
                f"{table.name} gives label {min(twice)} to two regions, {region.name.lower()} among them",
                remedy="give every label one region",
            )
        seen |= listed
    return numbers


def regions_from_labels(
    labels: sitk.Image,
    numbers: Mapping[Region, Iterable[int]],
    grid: Grid,
    labels_from_grid: sitk.Transform,
    *,
    name: str,
) -> RegionMap:
    """Labels (whole numbers, on any grid of their space) as a region map on the working grid.

    labels_from_grid maps a point of the working space to the labels' space. BadImage where a region that places need is empty.
    """
    values = voxels(labels)
    array = np.rint(values).astype(np.int64)
    between = np.count_nonzero(np.abs(values - array) > LABEL_TOLERANCE)
    if between:
        raise BadImage(
            f"{name} holds {between} values between its labels, as interpolation leaves them",
            remedy="give the segmentation as it was computed, or resample it with nearest neighbor",
        )
    probability = {}
    for region in REGIONS:
        inside = np.isin(array, list(numbers.get(region, ())))
        if region in NEEDED and not inside.any():
            raise BadImage(
                f"{name} holds no voxel of {region.name.lower().replace('_', ' ')}",
                remedy="check --scheme, and that the file holds labels",
            )
        probability[region] = resample(
            Grid.of(labels).image(inside.astype(np.float32)), grid, source_from_grid=labels_from_grid
        )
    covered = sum(voxels(image) for image in probability.values())
    if not (np.asarray(covered) > 0.5).any():
        raise BadImage(f"{name} does not overlap the exam", remedy="give a segmentation of this exam, in its space")
    return RegionMap(probability, f"the user's own segmentation ({name})")
