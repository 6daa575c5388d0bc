"""The digital patient's own frame: a 1 mm lattice in LPS millimeters whose origin is the middle of the brain.

Tissue maps cover a window around the brain only; the head around it covers the whole lattice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.phantom.fields import Shape

# Lowest and highest coordinate, (x, y, z): room for nose and occiput, and for some neck.
HEAD_LOW_MM = (-98.0, -126.0, -116.0)
HEAD_HIGH_MM = (98.0, 106.0, 94.0)
BRAIN_LOW_MM = (-76.0, -94.0, -84.0)
BRAIN_HIGH_MM = (76.0, 94.0, 80.0)


@dataclass(frozen=True)
class Frame:
    """A box of cubic voxels aligned with the patient: its grid, and where its voxels lie."""

    grid: Grid

    @classmethod
    def head(cls, spacing_mm: float) -> Frame:
        """The box that holds the whole head."""
        return cls(_grid(HEAD_LOW_MM, HEAD_HIGH_MM, spacing_mm))

    @classmethod
    def brain(cls, spacing_mm: float) -> Frame:
        """The box around the brain; its voxels coincide with voxels of the head's box."""
        return cls(_grid(BRAIN_LOW_MM, BRAIN_HIGH_MM, spacing_mm))

    @property
    def shape(self) -> Shape:
        """Array shape (z, y, x)."""
        return self.grid.size[::-1]

    @property
    def spacing_mm(self) -> float:
        """Edge of a voxel."""
        return self.grid.spacing_mm[0]

    def coordinates_mm(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """LPS coordinates x, y, z of the voxels, float32, each shaped to broadcast over (z, y, x)."""
        x, y, z = (
            (np.arange(n) * self.spacing_mm + first).astype(np.float32)
            for n, first in zip(self.grid.size, self.grid.origin_mm, strict=True)
        )
        return x[None, None, :], y[None, :, None], z[:, None, None]

    def window_in(self, outer: Frame) -> tuple[slice, slice, slice]:
        """Where this box lies in the arrays of a larger box of the same spacing."""
        first = (np.asarray(self.grid.origin_mm) - np.asarray(outer.grid.origin_mm)) / self.spacing_mm
        start = np.rint(first).astype(int)[::-1]
        z, y, x = (slice(int(s), int(s) + n) for s, n in zip(start, self.shape, strict=True))
        return z, y, x


def _grid(low_mm: tuple[float, ...], high_mm: tuple[float, ...], spacing_mm: float) -> Grid:
    first = [round(low / spacing_mm) for low in low_mm]
    last = [round(high / spacing_mm) for high in high_mm]
    size_x, size_y, size_z = (b - a + 1 for a, b in zip(first, last, strict=True))
    x, y, z = (a * spacing_mm for a in first)
    return Grid((size_x, size_y, size_z), (spacing_mm,) * 3, (x, y, z), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
