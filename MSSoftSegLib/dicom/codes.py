"""What the segments are, in codes that other systems know.

SNOMED CT: category "Morphologically Abnormal Structure" and type "Lesion" are what DICOM lists for segments (PS3.16 CID 7150 and
7159), the anatomic region "Brain" is in CID 4. Neither SNOMED CT nor DICOM has one code for a lesion of multiple sclerosis, so
the type is modified by the disorder, as DICOM allows (Segmented Property Type Modifier Code Sequence), and a possible lesion is
modified by "Suspected" (CID 3770) as well.
"""

from __future__ import annotations

from dataclasses import dataclass

Code = tuple[str, str, str]
"""Value, coding scheme, meaning."""

ABNORMAL_STRUCTURE: Code = ("49755003", "SCT", "Morphologically Abnormal Structure")
LESION: Code = ("52988006", "SCT", "Lesion")
MULTIPLE_SCLEROSIS: Code = ("24700007", "SCT", "Multiple sclerosis")
SUSPECTED: Code = ("415684004", "SCT", "Suspected")
BRAIN: Code = ("12738006", "SCT", "Brain")
# Kinds of algorithm (PS3.16 CID 7162).
ARTIFICIAL_INTELLIGENCE: Code = ("123110", "DCM", "Artificial Intelligence")
NEIGHBORHOOD_ANALYSIS: Code = ("123101", "DCM", "Neighborhood Analysis")

# Of the report (TID 1500). What the standard has no code for is ours, under a designator that says so.
IMAGING_MEASUREMENT_REPORT: Code = ("126000", "DCM", "Imaging Measurement Report")
MR_EXAMINATION: Code = ("25056-3", "LN", "MRI unspecified body region")
DEVICE: Code = ("121007", "DCM", "Device")
NUMBER_OF_LESIONS: Code = ("246206008", "SCT", "Number of lesions (observable entity)")
VOLUME: Code = ("118565006", "SCT", "Volume")
MILLILITER: Code = ("ml", "UCUM", "milliliter")
NO_UNITS: Code = ("1", "UCUM", "no units")
OURS = "99MSSOFTSEG"
SOFT_VOLUME: Code = ("SOFT_VOLUME", OURS, "Sum of lesion probability times voxel volume")
MEAN_PROBABILITY: Code = ("MEAN_PROBABILITY", OURS, "Mean lesion probability")
PLACE: Code = ("PLACE", OURS, "Place of the lesion")
LONGEST_VALUE = 16


def make_place_code(word: str) -> Code:
    """A place of lesions, such as periventricular, as a code."""
    return (word.upper().replace(" ", "_").replace("-", "_")[:LONGEST_VALUE], OURS, word.replace("_", " "))


@dataclass(frozen=True)
class SegmentMeaning:
    """label: what viewers show. color_rgb: recommended, 0–255, the module's own."""

    label: str
    modifiers: tuple[Code, ...]
    color_rgb: tuple[int, int, int]


MS_LESION = SegmentMeaning("MS lesion", (MULTIPLE_SCLEROSIS,), (86, 180, 233))
POSSIBLE_MS_LESION = SegmentMeaning("Possible MS lesion", (MULTIPLE_SCLEROSIS, SUSPECTED), (230, 159, 0))
