"""How bright each contrast is shown: a window that leaves lesions their gray, whatever fat, vessels and air do."""

from __future__ import annotations

import numpy as np
import slicer

from MSSoftSegLib.report.planes import HEAD_BRIGHTNESS, gray_window

# Per cent of the head's voxels shown as black and as white. Lesions are the brightest brain on FLAIR, and must not
# saturate; on T1 fat is brighter than brain, and may; on T2 so is fluid.
WINDOWS = {"flair": (2.0, 99.8), "t1": (2.0, 98.0), "t2": (2.0, 99.0)}
# Percentiles of so many voxels are those of all of them, to the eye.
MOST_LOOKED_AT = 500_000


def choose_window(contrast: str, voxels: np.ndarray) -> tuple[float, float]:
    """Values shown as black and as white, always apart. voxels: (k, j, i), any unit; contrast: flair, t1 or t2."""
    few = thin_out(voxels)
    _low, high = gray_window(few)
    head = few[few > HEAD_BRIGHTNESS * high]
    if not head.size:
        return gray_window(few)
    low, high = (float(value) for value in np.percentile(head, WINDOWS[contrast]))
    return (low, high) if high > low else gray_window(few)


def thin_out(voxels: np.ndarray) -> np.ndarray:
    """Every n-th voxel along each axis, so many that nobody waits for them."""
    step = max(1, round((voxels.size / MOST_LOOKED_AT) ** (1 / 3)))
    return voxels[::step, ::step, ::step]


def setWindow(contrast: str, volumeNode) -> None:
    """Show a volume in its contrast's window."""
    display = volumeNode.GetDisplayNode()
    if display is None:
        volumeNode.CreateDefaultDisplayNodes()
        display = volumeNode.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(*choose_window(contrast, slicer.util.arrayFromVolume(volumeNode)))


def setWindowIfUntouched(contrast: str, volumeNode) -> None:
    """The same, unless somebody chose a window for it."""
    display = volumeNode.GetDisplayNode()
    if display is None or display.GetAutoWindowLevel():
        setWindow(contrast, volumeNode)
