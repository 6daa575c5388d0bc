"""What a click with Paint or Erase does to the current segment, through Slicer's own segment editor logic."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

EFFECTS = ("Paint", "Erase")
# Editors whose active effect paints; slice views tell them of clicks.
LISTENING: weakref.WeakSet = weakref.WeakSet()
RELATIVE_PERCENT = 3.0


@dataclass(frozen=True)
class Stroke:
    """The brush: its radius, and whether it is a ball or a disk in the slice."""

    radius_mm: float
    ball: bool


def stroke_of(editor_node, effect: str, view_height_mm: float) -> Stroke:
    """The brush as the segment editor node's attributes set it; an effect's own win over the common ones."""

    def parameter(name, default):
        own = editor_node.GetAttribute(f"{effect}.{name}")
        return float(own if own is not None else editor_node.GetAttribute(name) or default)

    if parameter("BrushDiameterIsRelative", 1):
        diameter = parameter("BrushRelativeDiameter", RELATIVE_PERCENT) / 100 * view_height_mm
    else:
        diameter = parameter("BrushAbsoluteDiameter", 5.0)
    return Stroke(diameter / 2, bool(parameter("BrushSphere", 0)))


def apply(logic, segment_id: str, stroke: Stroke, ras, slice_normal, *, erase: bool) -> None:
    """One dab at a patient point; the state before it can be brought back by undo."""
    logic.SaveStateForUndo()
    logic.UpdateReferenceGeometryImage()
    logic.ResetModifierLabelmapToDefault()
    image = logic.GetModifierLabelmap()
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    inside = _inside(slicer.util.arrayFromVTKMatrix(matrix), image.GetExtent(), stroke, ras, slice_normal)
    vtk_to_numpy(image.GetPointData().GetScalars())[:] = inside
    image.GetPointData().GetScalars().Modified()
    image.Modified()
    mode = logic.ModificationModeRemove if erase else logic.ModificationModeAdd
    logic.ModifySegmentByLabelmap(logic.GetSegmentationNode(), segment_id, image, mode, True, False)


def _inside(world: np.ndarray, extent, stroke: Stroke, ras, slice_normal) -> np.ndarray:
    shape = tuple(extent[2 * axis + 1] - extent[2 * axis] + 1 for axis in (2, 1, 0))
    ijk = np.indices(shape).reshape(3, -1)[::-1] + np.array(extent[::2])[:, None]
    offset = world[:3, :3] @ ijk + world[:3, 3:] - np.array(ras, float)[:, None]
    inside = np.linalg.norm(offset, axis=0) <= stroke.radius_mm
    if stroke.ball:
        return inside
    normal = np.array(slice_normal, float) / np.linalg.norm(slice_normal)
    # The voxels that the slice cuts: half a voxel to either side along the normal.
    half_mm = np.abs(normal @ world[:3, :3]).max() / 2
    across = normal @ offset
    return (np.linalg.norm(offset - normal[:, None] * across, axis=0) <= stroke.radius_mm) & (np.abs(across) <= half_mm)
