"""How fast this machine would train by a recipe, measured in a few seconds: a case made ready, samples drawn, steps taken.

Where a whole step takes longer than there is time, smaller ones are taken and a line is laid through their times. On a
processor the time that it computed is counted, not what other programs took from it meanwhile.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError

from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.jobs.detached.folder import read_document, write_document
from MSSoftSegLib.jobs.preflight.rates import PROBES_FILE, Rates, find_rates_file
from MSSoftSegLib.jobs.preflight.step_probe import probe_steps
from MSSoftSegLib.jobs.preflight.stopwatch import Stopwatch
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.network.window import looks_per_voxel, window_overlap
from MSSoftSegLib.training.data.prepared import prepare_cases
from MSSoftSegLib.training.data.prepared_case import PreparedCase, write_prepared
from MSSoftSegLib.training.data.stream import SampleStream
from MSSoftSegLib.training.engine.task import Hardware
from MSSoftSegLib.training.recipe import Recipe

# An adult's brain with its margin, z, y, x in mm; for cases whose brain is not known yet.
BRAIN_MM = (160, 192, 160)
LONGEST_SAMPLING_S = 1.0
MOST_SAMPLES = 12
# How often masks are compared with a rater's to judge a brain.
COMPARISONS = 25


@dataclass(frozen=True)
class Probe:
    """rates: as far as they were measured. brain: voxels of the case's working grid (z, y, x). bytes_per_step: memory that a
    step holds beside the network. parameters: of the network. busy: wall time over computing time of the probe."""

    rates: Rates
    brain: tuple[int, int, int]
    bytes_per_step: float
    parameters: int
    busy: float


_PROBE = TypeAdapter(Probe)


def recall_or_probe(key: str, recipe: Recipe, example: LabeledCase | None, hardware: Hardware) -> Probe:
    """What was measured before for trainings of this kind, or is now and kept: a panel asks again at every choice."""
    file = find_rates_file().with_name(PROBES_FILE)
    known = read_document(file) or {}
    try:
        return _PROBE.validate_python(known[key])
    except (KeyError, ValidationError):
        found = probe(recipe, example, hardware)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_document(file, known | {key: _PROBE.dump_python(replace(found, busy=1.0), mode="json")})
    return found


def probe(recipe: Recipe, example: LabeledCase | None, hardware: Hardware) -> Probe:
    """Measure; example: a preprocessed case of the training, None where all have to be preprocessed yet."""
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="mssoftseg-probe-") as folder, _threads_of_a_training(hardware):
        watch = Stopwatch(hardware.accelerator)
        case, preparing_s = _case(recipe, example, Path(folder))
        sample_s = _sample_s(case, recipe)
        steps = probe_steps(recipe, case.shape, hardware, watch)
        looks = looks_per_voxel(case.shape, recipe.window, window_overlap(recipe.network.kind))
        whole_s = steps.forward_s_per_voxel * float(np.prod(case.shape)) * looks
        judged_s = whole_s + COMPARISONS * _comparison_s(case)
    batch_s = sample_s * recipe.sampling.batch
    # Samples are made by other processes meanwhile: the slower of the two decides.
    step_s = max(steps.step_s, batch_s / max(1, hardware.workers))
    rates = Rates(step_s, judged_s, judged_s, preparing_s, start_s=batch_s)
    busy = (time.monotonic() - began_s) / max(1e-3, time.process_time() - began_cpu_s)
    return Probe(rates, case.shape, steps.saved_bytes, steps.parameters, busy)


@contextmanager
def _threads_of_a_training(hardware: Hardware) -> Iterator[None]:
    """As many threads as the training's steps get (training/engine/launch.py)."""
    before = torch.get_num_threads()
    if hardware.accelerator == "cpu" and hardware.workers:
        torch.set_num_threads(max(1, before - hardware.workers))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _case(recipe: Recipe, example: LabeledCase | None, folder: Path) -> tuple[PreparedCase, float | None]:
    if example is not None:
        began_s = time.process_time()
        (case,) = prepare_cases([example], recipe, folder)
        return case, time.process_time() - began_s
    return _random_case(recipe, folder), None


def _random_case(recipe: Recipe, folder: Path) -> PreparedCase:
    """A brain of noise with some lesions."""
    z, y, x = (max(32, round(side / recipe.data.spacing_mm)) for side in BRAIN_MM)
    rng = np.random.default_rng(0)
    label = np.zeros((z, y, x), np.float32)
    starts = [0]
    voxels: list[np.ndarray] = []
    for center in rng.uniform(0.3, 0.7, size=(8, 3)):
        corner = [int(share * side) for share, side in zip(center, label.shape, strict=True)]
        box = tuple(slice(place, place + 4) for place in corner)
        label[box] = 1.0
        voxels.append(
            np.ravel_multi_index(np.indices((4, 4, 4)).reshape(3, -1) + np.array(corner)[:, None], label.shape)
        )
        starts.append(starts[-1] + voxels[-1].size)
    arrays = {
        "images": rng.standard_normal((len(recipe.data.inputs), z, y, x), np.float32),
        "label": label,
        "brain": np.ones(label.shape, bool),
        "brain_voxels": np.arange(label.size, dtype=np.int32),
        "lesion_voxels": np.concatenate(voxels).astype(np.int32),
        "lesion_starts": np.array(starts, np.int32),
        "rater-0": label,
    }
    case = PreparedCase("probe", "probe", folder, (z, y, x), recipe.data.spacing_mm, 1.0, 1.0, 1.0, False, ("probe",))
    write_prepared(folder, arrays, case, "probe")
    return case


def _sample_s(case: PreparedCase, recipe: Recipe) -> float:
    """Seconds that one sample takes to draw; the first, which warms the caches up, counts only where it takes long itself."""
    stream = SampleStream([case], recipe, seed=0)
    began_s = time.process_time()
    stream[0]
    first_s = time.process_time() - began_s
    if first_s > LONGEST_SAMPLING_S:
        return first_s
    began_s, count = time.process_time(), 0
    while count < MOST_SAMPLES and (count == 0 or time.process_time() - began_s < LONGEST_SAMPLING_S):
        count += 1
        stream[count]
    return (time.process_time() - began_s) / count


def _comparison_s(case: PreparedCase) -> float:
    truth = np.array(case.label()) >= 0.5
    began_s = time.process_time()
    dice(truth, truth)
    return time.process_time() - began_s
