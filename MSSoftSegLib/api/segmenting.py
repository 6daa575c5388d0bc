"""``mss.segment``: the lesions of one exam, in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from MSSoftSegLib.api.reading import FileName
from MSSoftSegLib.api.validating import validate
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.network.catalog import find_default_model
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.segmenting.choices import Augmentation, SegmentChoices
from MSSoftSegLib.segmenting.ready_model import open_model
from MSSoftSegLib.segmenting.segment_exam import segment_exam
from MSSoftSegLib.segmenting.segmented_exam import SegmentedExam


def segment(
    exam: Exam,
    *,
    model: FileName | None = None,
    device: str = "auto",
    tta: Augmentation | None = None,
    brain: FileName = "auto",
    align_to: Literal["t1", "flair"] | None = None,
    reference: Literal["flair", "t1", "t2", "pd"] = "flair",
    threshold: float | None = None,
    preprocessed: bool = False,
    use_cache: bool = True,
    progress: Callable[[str, float], None] = lambda stage, fraction: None,
) -> SegmentedExam:
    """Segment the MS lesions of one exam: probability, entropy, mask and lesions on the reference's native grid, nothing written.

    The same computation as ``mssoftseg segment``, voxel for voxel. model: name of an installed model or a bundle's folder; None
    takes the user's choice, or the one that ships. device: 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps'. tta: 'flips8' (mean over
    the 8 mirrorings, from which the uncertainty comes) or 'none'; None takes the model's own. brain: 'auto' (HD-BET where it is
    installed, else the atlas), 'hd-bet', 'atlas', 'none' (voxels ≠ 0 of the reference are brain) or a mask file on the
    reference. align_to: the image that the others are aligned to; None = T1 where present, else FLAIR. threshold: 0–1,
    exclusive; None takes the model's own. preprocessed: the images are aligned, corrected and brain-extracted on one grid.
    use_cache: keep preprocessing steps for the next run. progress: is told a stage and its fraction done, 0–1.

    BadExam where the exam lacks an image that the model or the reference needs, RequestError where a choice does not hold,
    DeviceMissing, BadBundle, OutOfMemory: each says what to do.
    Source: Docs/methods.md sections 3, 5 and 7.
    """
    choices = validate(
        SegmentChoices,
        preprocessing=validate(PreprocessingSettings, brain=str(brain), align_to=align_to),
        preprocessed=preprocessed,
        reference=reference,
        tta=tta,
        threshold=threshold,
        use_cache=use_cache,
    )
    ready = open_model(find_default_model() if model is None else str(model), device=device)
    return segment_exam(exam, ready, choices, progress=progress)
