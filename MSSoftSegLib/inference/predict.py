"""A working exam and a bundle in; probability, entropy and members out, on the working and on the native grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import SimpleITK as sitk
import torch
from torch import Tensor, nn

from MSSoftSegLib.exam.geometry import CANONICAL_ORDER, Grid, orientation_letters, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.inference.augmentation import flips
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.native_grid import resample_to_native
from MSSoftSegLib.inference.side_by_side import look_side_by_side
from MSSoftSegLib.inference.sliding_window import predict_windowed_logits
from MSSoftSegLib.lesion.uncertainty import UncertainProbability, combine
from MSSoftSegLib.network.activation import probability
from MSSoftSegLib.network.description import Activation, ModelDescription
from MSSoftSegLib.network.needed_images import check_has_inputs
from MSSoftSegLib.network.operating_point import FittingPoint
from MSSoftSegLib.network.window import Window, window_of
from MSSoftSegLib.preprocessing.normalization import normalize
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

# What a prediction takes on two cores with all mirrorings, for whoever tells how much of a job is done.
INFERENCE_SECONDS = 9.0


@dataclass(frozen=True)
class Prediction:
    """The same maps twice: on the working grid, and on the native grid of the reference modality.

    fitting: the operating point that fits the exam: its temperature is in the maps, threshold and smallest lesion are to come.
    """

    working: UncertainProbability
    native: UncertainProbability
    fitting: FittingPoint


def network_input(exam: WorkingExam, description: ModelDescription) -> Tensor:
    """Normalised channels (1, c, z, y, x) float32 in the bundle's order; zeros for an absent modality that may be absent."""
    if orientation_letters(exam.brain_mask) != CANONICAL_ORDER:
        # Whoever made this exam passed by the one place that orders axes; a network would answer something else.
        raise ValueError(f"a working grid runs {CANONICAL_ORDER}, not {orientation_letters(exam.brain_mask)}")
    check_has_inputs(exam.images, description)
    channels = []
    for wanted in description.inputs:
        if wanted.modality in exam.images:
            normalized = normalize(exam.images[wanted.modality], exam.brain_mask, description.normalization)
            channels.append(torch.from_numpy(voxels(normalized)))
        else:
            channels.append(torch.zeros(exam.grid.size[::-1]))
    return torch.stack(channels)[None]


def flair_slices_mm(exam: WorkingExam) -> float:
    """How far apart FLAIR's slices were as it was acquired: the longest side of its native voxels; 0 without FLAIR."""
    return max(exam.native_grids[Modality.FLAIR].spacing_mm) if Modality.FLAIR in exam.native_grids else 0.0


def predict_members(
    networks: Sequence[nn.Module],
    images: Tensor,
    *,
    tta: str,
    temperature: float,
    device: Device,
    activation: Activation = "sigmoid",
    floor: float = 1.0,
    window: Window | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
    first: Callable[[Tensor], None] = lambda member: None,
) -> list[Tensor]:
    """One probability (z, y, x) float32 per flip, the mean over the networks of an ensemble.

    activation, floor, temperature: as network/activation.py has them; the volume is one sample. window: the network sees no
    more than this at a time (sliding_window.py); None = the whole volume. first is shown the first member as soon as it is
    there, where others follow.
    """
    subsets = flips(tta)

    def look(axes: tuple[int, ...], pieces: int | None) -> Tensor:
        """The member of one flip, the right way round."""
        flipped = images.flip(axes) if axes else images
        each = [
            probability(
                predict_windowed_logits(network, flipped, device, window=window, pieces=pieces),
                name=activation,
                floor=floor,
                temperature=temperature,
            )
            for network in networks
        ]
        mean = torch.stack(each).mean(dim=0)
        return (mean.flip(axes) if axes else mean)[0, 0]

    progress(0.0)
    members = [look(subsets[0], None)]
    if len(subsets) > 1:
        first(members[0])
        for member in look_side_by_side(look, subsets[1:], networks, images, device):
            progress(len(members) / len(subsets))
            members.append(member)
    progress(1.0)
    return members


def predict(
    exam: WorkingExam,
    description: ModelDescription,
    networks: Sequence[nn.Module],
    *,
    reference: Modality,
    tta: str,
    device: Device,
    progress: Callable[[float], None] = lambda fraction: None,
    first: Callable[[sitk.Image, FittingPoint], None] = lambda probability, fitting: None,
) -> Prediction:
    """Run the model on an exam; outside the brain the probability is 0.

    first is shown the first member on the native grid, and the operating point that fits the exam, while the other members are
    still to come.
    """
    images = network_input(exam, description)
    fitting = description.point_for(flair_slices_mm=flair_slices_mm(exam))
    brain = torch.from_numpy(voxels(exam.brain_mask)) != 0
    working_from_native = exam.working_from_native(reference)
    native_grid: Grid = exam.native_grids[reference]

    def on_grid(tensor: Tensor) -> sitk.Image:
        return exam.grid.image((tensor * brain).numpy())

    def on_native(member: sitk.Image) -> sitk.Image:
        return resample_to_native(member, native_grid, working_from_native=working_from_native)

    tensors = predict_members(
        networks,
        images,
        tta=tta,
        temperature=fitting.point.temperature,
        device=device,
        activation=description.activation,
        floor=description.activation_floor,
        window=window_of(description),
        progress=progress,
        first=lambda tensor: first(on_native(on_grid(tensor)), fitting),
    )
    members = [on_grid(tensor) for tensor in tensors]
    native = [on_native(member) for member in members]
    return Prediction(working=combine(members), native=combine(native), fitting=fitting)
