"""The module's own layouts, all in one place: a scene saves only the number, and Slicer must know it before the scene opens."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

# Free for custom layouts, chosen once.
COMPARE_LAYOUT = 3701
COMPARE_VIEWS = ("MSSoftSegFLAIR", "MSSoftSegProbability", "MSSoftSegEntropy")
COMPARE_LABELS = ("FLAIR", "Probability", "Entropy")
COMPARE_COLORS = ("#4b545e", "#d9822b", "#3a7bc8")
# One for two views side by side and one for three.
SIDE_LAYOUTS = {2: 3702, 3: 3703}
SIDE_VIEWS = ("MSSoftSegFirst", "MSSoftSegSecond", "MSSoftSegThird")
SIDE_COLORS = ("#4b545e", "#3a7bc8", "#d9822b")
CURVES_LAYOUT = 3707
CURVES_SLICES = {"Red": "Axial", "Yellow": "Sagittal"}
LOSS_VIEW, AGREEMENT_VIEW = "MSSoftSegLoss", "MSSoftSegAgreement"


def registerLayouts() -> None:
    """Tell Slicer the layouts; nothing without a main window."""
    manager = slicer.app.layoutManager()
    if manager is None:
        return
    layoutNode = manager.layoutLogic().GetLayoutNode()
    for number, description in _descriptions().items():
        if not layoutNode.IsLayoutDescription(number):
            layoutNode.AddLayoutDescription(number, description)


def _descriptions() -> dict[int, str]:
    found = {COMPARE_LAYOUT: _axialViews(COMPARE_VIEWS, COMPARE_LABELS, COMPARE_COLORS)}
    for count, number in SIDE_LAYOUTS.items():
        labels = [str(each + 1) for each in range(count)]
        found[number] = _axialViews(SIDE_VIEWS[:count], labels, SIDE_COLORS[:count])
    found[CURVES_LAYOUT] = _slicesAndPlots()
    return found


def _axialViews(tags, labels, colors) -> str:
    """Axial views in a row."""
    views = (_view("vtkMRMLSliceNode", *each, "Axial") for each in zip(tags, labels, colors, strict=True))
    return f'<layout type="horizontal">{"".join(views)}</layout>'


def _slicesAndPlots() -> str:
    """Slice views on the left, the two plots on the right: who waits for a training goes on reading."""
    slices = "".join(_view("vtkMRMLSliceNode", tag, tag[0], "", turned) for tag, turned in CURVES_SLICES.items())
    named = ((LOSS_VIEW, _("Loss")), (AGREEMENT_VIEW, _("Agreement")))
    plots = "".join(_view("vtkMRMLPlotViewNode", tag, label) for tag, label in named)
    sides = "".join(f'<item><layout type="vertical">{side}</layout></item>' for side in (slices, plots))
    return f'<layout type="horizontal">{sides}</layout>'


def _view(viewClass: str, tag: str, label: str, color: str = "", orientation: str = "") -> str:
    properties = {"orientation": orientation, "viewlabel": label, "viewcolor": color}
    inside = "".join(
        f'<property name="{name}" action="default">{value}</property>' for name, value in properties.items() if value
    )
    return f'<item><view class="{viewClass}" singletontag="{tag}">{inside}</view></item>'
