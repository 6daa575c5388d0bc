"""Small digital patients, each made once in a test run: 2 mm heads, thick FLAIR slices, T1 and T2 out of place."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from MSSoftSegLib.phantom.digital_patient import SMALL, SMALL_SETTINGS, DigitalPatient, make_digital_patient
from MSSoftSegLib.phantom.lesions import LesionSettings

SEED = 11


@cache
def small_patient(seed: int) -> DigitalPatient:
    return make_digital_patient(seed=seed, settings=SMALL_SETTINGS)


@cache
def left_sided_patient(orientation: str) -> DigitalPatient:
    """One patient with lesions in the left hemisphere, her FLAIR alone, stored with these letters."""
    spacing_mm = {"P": (2.0, 2.0, 3.0)}.get(orientation[0], SMALL[0].spacing_mm)
    flair = replace(SMALL[0], orientation=orientation, spacing_mm=spacing_mm)
    settings = replace(SMALL_SETTINGS, lesions=LesionSettings(side="left"), acquisitions=(flair,))
    return make_digital_patient(seed=SEED, settings=settings)
