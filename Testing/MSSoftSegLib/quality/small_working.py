"""A small digital patient as a working exam in 2 mm voxels, aligned by what is known of her; and ways to spoil it."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, image_like, isotropic_grid_around, resample
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.digital_patient import SMALL_SETTINGS, make_digital_patient
from MSSoftSegLib.preprocessing.pipeline import resample_mask
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

FLAIR, T1, T2 = Modality.FLAIR, Modality.T1, Modality.T2


@functools.cache
def patient(seed=3):
    return make_digital_patient(seed=seed, settings=SMALL_SETTINGS)


@functools.cache
def small_working(seed=3, shift_mm=(), spacing_mm=2.0):
    """shift_mm: pairs of a modality and how far beside its place it is read, towards the patient's left and back."""
    made, shifts = patient(seed), dict(shift_mm)
    brain = made.brain_mask
    grid = isotropic_grid_around(brain, spacing_mm=spacing_mm, margin_mm=2.0, multiple=16)
    mask = resample_mask(brain, grid)
    ways = {}
    for modality in made.exam.modalities:
        beside = sitk.TranslationTransform(3, [shifts.get(modality, 0.0) / 2**0.5] * 2 + [0.0])
        ways[modality] = sitk.CompositeTransform([made.source_from_target(modality, FLAIR), beside])
    images = {
        modality: sitk.Mask(resample(made.exam.image(modality), grid, source_from_grid=way), mask)
        for modality, way in ways.items()
    }
    native_grids = {modality: Grid.of(made.exam.image(modality)) for modality in images}
    return WorkingExam(images, mask, FLAIR, ways, native_grids, {})


def exchanged(working, **images):
    """Other images in slots, by slot name."""
    return replace(working, images={**working.images, **{Modality(slot): image for slot, image in images.items()}})


def remasked(working, mask):
    """Another mask (z, y, x), images 0 outside it."""
    image = image_like(working.brain_mask, np.asarray(mask, np.uint8))
    return replace(working, brain_mask=image, images={m: sitk.Mask(each, image) for m, each in working.images.items()})


def without(working, modality):
    return replace(working, images={m: image for m, image in working.images.items() if m is not modality})
