"""What one training process is told, and what it leaves: everything here can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.recipe import Recipe

BEST_WEIGHTS = "best.safetensors"
DONE = "done"


@dataclass(frozen=True)
class Hardware:
    """Where training runs. accelerator: 'cpu', 'cuda' or 'mps'; devices per node; precision: '32-true' or 'bf16-mixed'.

    workers: processes that make samples, per device; 0 = the training process makes them itself.
    """

    accelerator: str = "cpu"
    devices: int = 1
    nodes: int = 1
    precision: str = "32-true"
    workers: int = 1


@dataclass(frozen=True)
class FitTask:
    """One model to train: a member of an ensemble, or the only one.

    folder: checkpoints, curves and best weights. initial_weights: a safetensors file to start from, None = random.
    case_weights: how often each training case is drawn against the others, none = each alike.
    frozen: parameters whose names begin so do not learn. base: cases that show what is forgotten; they choose nothing.
    picture: where one case is drawn at every validation, None = nowhere.
    """

    recipe: Recipe
    training: tuple[PreparedCase, ...]
    validation: tuple[PreparedCase, ...]
    folder: Path
    seed: int
    hardware: Hardware
    resume: bool = False
    initial_weights: Path | None = None
    case_weights: tuple[float, ...] = ()
    frozen: tuple[str, ...] = ()
    base: tuple[PreparedCase, ...] = ()
    picture: Path | None = None

    @property
    def best_weights(self) -> Path:
        """The weights of the best validation so far (float32), which are the model."""
        return self.folder / BEST_WEIGHTS

    @property
    def is_done(self) -> bool:
        """Whether the course was run to its end."""
        return (self.folder / DONE).is_file()

    def mark_done(self) -> None:
        """Remember that the course was run to its end."""
        (self.folder / DONE).touch()
