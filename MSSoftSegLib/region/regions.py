"""Names of places: what a voxel is part of (Region), and where a reader says that a lesion is (Place)."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Region(IntEnum):
    """What a voxel of the brain is part of: the labels of Resources/Atlas/regions.nii.gz and of region maps."""

    OUTSIDE = 0
    CEREBRAL_WHITE = 1
    CORTEX = 2
    DEEP_GRAY = 3
    CORPUS_CALLOSUM = 4
    INFRATENTORIAL = 5
    LATERAL_VENTRICLE = 6
    THIRD_VENTRICLE = 7
    FOURTH_VENTRICLE = 8
    OUTER_FLUID = 9


TISSUES = (
    Region.CEREBRAL_WHITE,
    Region.CORTEX,
    Region.DEEP_GRAY,
    Region.CORPUS_CALLOSUM,
    Region.INFRATENTORIAL,
)
VENTRICLES = (Region.LATERAL_VENTRICLE, Region.THIRD_VENTRICLE, Region.FOURTH_VENTRICLE)
FLUIDS = (*VENTRICLES, Region.OUTER_FLUID)
REGIONS = (*TISSUES, *FLUIDS)


class Place(StrEnum):
    """Where a reader says that a lesion is; a confluent lesion is in several places."""

    PERIVENTRICULAR = "periventricular"
    JUXTACORTICAL = "juxtacortical"
    INFRATENTORIAL = "infratentorial"
    DEEP_WHITE = "deep_white"
    DEEP_GRAY = "deep_gray"


# As a report names them.
PLACE_WORDS = {
    Place.PERIVENTRICULAR: "periventricular",
    Place.JUXTACORTICAL: "juxtacortical or cortical",
    Place.INFRATENTORIAL: "infratentorial",
    Place.DEEP_WHITE: "deep white matter",
    Place.DEEP_GRAY: "deep gray matter",
}
