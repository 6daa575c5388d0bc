"""The patient that most tests look at."""

from __future__ import annotations

import pytest

from MSSoftSegLib.phantom.digital_patient import DigitalPatient
from Testing.MSSoftSegLib.phantom.small_patients import SEED, small_patient


@pytest.fixture(scope="session")
def patient() -> DigitalPatient:
    return small_patient(SEED)
