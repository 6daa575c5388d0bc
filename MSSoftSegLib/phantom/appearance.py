"""How the patient would look on a perfect scanner: each contrast without noise, bias or slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.anatomy import Anatomy
from MSSoftSegLib.phantom.contrasts import TissueIntensities
from MSSoftSegLib.phantom.fields import smooth_field, white_noise
from MSSoftSegLib.phantom.frame import Frame
from MSSoftSegLib.phantom.hard_negatives import NegativeMaps
from MSSoftSegLib.phantom.lesions import LesionMaps
from MSSoftSegLib.phantom.tissues import BLOOD_VALUE, Tissue, tissue_values

# Deep gray matter holds iron: darker than cortex on T2 and FLAIR, nearer to white matter on T1 (share of the way to white).
DEEP_TOWARD_WHITE = {Modality.T1: 0.2, Modality.T2: 0.35, Modality.FLAIR: 0.3}
# Caps, rim and dirty white matter: share of the way from white to gray matter.
CAP_STRENGTH = {Modality.T1: 0.5, Modality.T2: 1.0, Modality.FLAIR: 1.15}
HEAD_BLUR_MM = 0.6
TEXTURE_SD = 0.025
EMPHASIS = 0.5


@dataclass(frozen=True)
class Body:
    """The whole patient without contrast: brain, lesions and negatives on the window, tissue labels on the head's frame."""

    anatomy: Anatomy
    lesions: LesionMaps
    negatives: NegativeMaps
    head_frame: Frame
    head_labels: np.ndarray


def draw_contrast(body: Body, modality: Modality, mean: TissueIntensities, *, rng: np.random.Generator) -> np.ndarray:
    """The patient on one contrast, float32 (z, y, x) on the head's frame, healthy white matter about 1."""
    spacing = body.head_frame.spacing_mm
    values = tissue_values(modality, mean)
    head = values[body.head_labels]
    head = ndimage.gaussian_filter(head, HEAD_BLUR_MM / spacing)
    window = body.anatomy.frame.window_in(body.head_frame)
    brain = np.clip(body.anatomy.brain, 0, 1)
    inside = _brain(body, modality, mean, rng=rng)
    head[window] = head[window] * (1 - brain) + inside
    texture = ndimage.gaussian_filter(white_noise(body.head_frame.shape, rng=rng), 0.7)
    head *= 1 + TEXTURE_SD / texture.std() * texture
    # Sampling between voxels blurs: what it takes away at edges is added here beforehand.
    head += EMPHASIS * (head - ndimage.gaussian_filter(head, 0.8))
    return np.maximum(head, 0)


def _brain(body: Body, modality: Modality, mean: TissueIntensities, *, rng: np.random.Generator) -> np.ndarray:
    anatomy, negatives = body.anatomy, body.negatives
    spacing, shape = anatomy.frame.spacing_mm, anatomy.frame.shape
    # Cortex and white matter each vary a little over the brain, as myelin does.
    gray_value = mean.gray * (1 + 0.035 * smooth_field(shape, 12 / spacing, rng=rng))
    gray_value += (1.0 - mean.gray) * DEEP_TOWARD_WHITE[modality] * anatomy.deep
    altered = np.clip(np.maximum(np.maximum(negatives.caps, negatives.rim), negatives.dirty), 0, 1)
    white_value = mean.white + (mean.gray - mean.white) * CAP_STRENGTH[modality] * altered
    white_value *= 1 + 0.02 * smooth_field(shape, 20 / spacing, rng=rng)
    white_value += (mean.csf - white_value) * negatives.perivascular
    lesion_value = mean.white + (mean.lesion - mean.white) * _lesion_strength(body, modality, rng=rng)
    share = body.lesions.fraction
    healthy_white = np.clip(anatomy.white - share, 0, None)
    fluid = _fluid(modality, mean, negatives)
    return anatomy.csf * fluid + anatomy.gray * gray_value + healthy_white * white_value + share * lesion_value


def _lesion_strength(body: Body, modality: Modality, *, rng: np.random.Generator) -> np.ndarray:
    """How far (about 1) a lesion's voxel has gone from white matter to the mean lesion; lost tissue shows most on T1."""
    uneven = 1 + 0.08 * smooth_field(body.anatomy.frame.shape, 4 / body.anatomy.frame.spacing_mm, rng=rng)
    spread = 2.2 if modality is Modality.T1 else 1.0
    return np.clip((1 + spread * (body.lesions.severity - 1)) * uneven, 0.45, 1.7)


def _fluid(modality: Modality, mean: TissueIntensities, negatives: NegativeMaps) -> np.ndarray:
    """Fluid with choroid plexus, vessels and flow in it."""
    fluid = mean.csf + (1.05 * mean.gray - mean.csf) * negatives.plexus
    if modality is Modality.FLAIR:
        fluid = fluid + (1.2 * mean.gray - fluid) * negatives.flow
    elif modality is Modality.T2:
        fluid = fluid * (1 - 0.5 * negatives.flow)
    mixed: np.ndarray = fluid + (BLOOD_VALUE[modality] - fluid) * negatives.vessels
    return mixed


def tissue_map(body: Body) -> np.ndarray:
    """Labels (Tissue) uint8 (z, y, x) on the head's frame; in the brain the largest fraction, lesions counted as white."""
    labels = body.head_labels.copy()
    window = body.anatomy.frame.window_in(body.head_frame)
    fractions = np.stack([body.anatomy.csf, body.anatomy.gray, body.anatomy.white])
    kinds = np.array([Tissue.CSF, Tissue.GRAY, Tissue.WHITE], dtype=np.uint8)
    labels[window] = np.where(body.anatomy.brain > 0.5, kinds[fractions.argmax(axis=0)], labels[window])
    return labels
