"""Slice views filled with the head: an image's box is mostly air, and in three narrow views a head would be small."""

from __future__ import annotations

import numpy as np
import slicer

from MSSoftSegGUI.scene.contrast_windows import thin_out
from MSSoftSegGUI.scene.volume_nodes import readIjkToRas
from MSSoftSegLib.report.planes import gray_window, head_box

# Of the view stays free around the head.
MARGIN = 0.04


def findHeadCorners(volumeNode) -> np.ndarray:
    """The corners of the box around the head, RAS mm, (8, 3)."""
    voxels = slicer.util.arrayFromVolume(volumeNode)
    few = thin_out(voxels)
    box = head_box(few, np.zeros_like(few, np.uint8), gray_window(few))
    step = np.array(voxels.shape) / np.array(few.shape)
    first, last = (np.array([side[end] for side in box]) * step - 0.5 for end in (0, 1))
    kji = np.array(np.meshgrid(*zip(first, last, strict=True), indexing="ij")).reshape(3, 8)
    return (readIjkToRas(volumeNode) @ np.vstack([kji[::-1], np.ones(8)]))[:3].T


def compute_field_of_view(
    corners: np.ndarray, view_from_ras: np.ndarray, size_px: tuple[int, int]
) -> tuple[float, float]:
    """Width and height in mm of a view of this size that just holds the corners (n, 3). view_from_ras: 4×4, rotation."""
    across = (view_from_ras[:3, :3] @ corners.T)[:2]
    extent = np.ptp(across, axis=1) * (1 + 2 * MARGIN)
    mm_per_px = max(extent / np.maximum(size_px, 1))
    return mm_per_px * max(size_px[0], 1), mm_per_px * max(size_px[1], 1)


def fillWithHead(volumeNode) -> None:
    """Show just the head of an image in every slice view, and its middle."""
    if volumeNode is None or volumeNode.GetImageData() is None:
        return
    corners = findHeadCorners(volumeNode)
    for sliceNode in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        toView = np.linalg.inv(slicer.util.arrayFromVTKMatrix(sliceNode.GetSliceToRAS()))
        width, height = compute_field_of_view(corners, toView, tuple(sliceNode.GetDimensions()[:2]))
        if width > 0 and height > 0:
            sliceNode.SetFieldOfView(width, height, sliceNode.GetFieldOfView()[2])
            sliceNode.JumpSliceByCentering(*corners.mean(axis=0))
