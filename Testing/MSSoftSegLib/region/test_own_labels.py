"""A user's own segmentation in the place of the atlas."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, RequestError
from MSSoftSegLib.region.choices import Scheme
from MSSoftSegLib.region.own_labels import FREESURFER, numbers_of, regions_from_labels
from MSSoftSegLib.region.places import place_lesions
from MSSoftSegLib.region.regions import Place
from Testing.MSSoftSegLib.region.box_brain import GRID, box_brain, lesion

SAME_SPACE = sitk.Transform(3, sitk.sitkIdentity)


def freesurfer_boxes():
    """The box brain under FreeSurfer's numbers."""
    drawn = box_brain().labels()
    number = np.zeros(10, np.int32)
    for region, numbers in FREESURFER.items():
        number[region] = max(numbers)
    return GRID.image(number[sitk.GetArrayFromImage(drawn)])


def test_freesurfer_labels_place_lesions_as_the_same_regions_do():
    own = regions_from_labels(freesurfer_boxes(), FREESURFER, GRID, SAME_SPACE, name="aseg.nii.gz")
    for x, place in ((10, Place.PERIVENTRICULAR), (27, Place.DEEP_WHITE), (44, Place.JUXTACORTICAL)):
        instances = GRID.image(lesion((x, x + 6)))
        assert place_lesions(instances, own)[0].place is place
        assert place_lesions(instances, own) == place_lesions(instances, box_brain())


def test_no_number_belongs_to_two_regions():
    every = [number for numbers in FREESURFER.values() for number in numbers]
    assert len(every) == len(set(every))


def test_a_mask_instead_of_labels_is_refused_by_name():
    with pytest.raises(BadImage, match=r"lesion\.nii\.gz holds no voxel of cerebral white"):
        regions_from_labels(GRID.image(lesion((10, 12))), FREESURFER, GRID, SAME_SPACE, name="lesion.nii.gz")


def test_a_custom_scheme_needs_its_table_and_the_table_one_region_a_label(tmp_path):
    with pytest.raises(RequestError, match="which label is what"):
        numbers_of(Scheme.CUSTOM, None)
    table = tmp_path / "numbers.json"
    table.write_text(json.dumps({"cortex": [1], "lateral_ventricle": [1]}))
    with pytest.raises(RequestError, match="label 1 to two regions"):
        numbers_of(Scheme.CUSTOM, table)
    table.write_text(json.dumps({"cortes": [1]}))
    with pytest.raises(RequestError, match="no table of regions"):
        numbers_of(Scheme.CUSTOM, table)
