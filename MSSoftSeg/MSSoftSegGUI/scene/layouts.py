"""The module's own layouts, all in one place: a scene saves only the number, and Slicer must know it before the scene opens."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

# Free for custom layouts, chosen once.
MAPS_LAYOUT = 3701
MAP_VIEWS = ("MSSoftSegFLAIR", "MSSoftSegProbability", "MSSoftSegEntropy")
MAP_LABELS = ("FLAIR", "Probability", "Entropy")
MAP_COLORS = ("#4b545e", "#d9822b", "#3a7bc8")
# The three planes without the 3D view, which is empty until somebody asks for surfaces.
PLANES_LAYOUT = 3704
# The contrasts of an exam beside each other, by which of them are there.
CONTRAST_LAYOUTS = {("flair", "t1", "t2"): 3705, ("flair", "t1"): 3706, ("flair", "t2"): 3708}
CONTRAST_VIEWS = {"flair": "MSSoftSegFLAIR", "t1": "MSSoftSegT1", "t2": "MSSoftSegT2"}
CONTRAST_COLORS = {"flair": "#4b545e", "t1": "#3a7bc8", "t2": "#2e8b57"}
# Views with layers of their own.
LINKED_VIEWS = (*MAP_VIEWS, *list(CONTRAST_VIEWS.values())[1:])
# What the menu offers: ``own`` is what the user laid out.
PLANES, CONTRASTS, MAPS, OWN = "planes", "contrasts", "maps", "own"
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


def chooseLayout(choice: str, slots: tuple[str, ...], *, surface: bool) -> int | None:
    """The number of the layout that shows this; None for what the user laid out. slots: the contrasts of the exam."""
    if choice == CONTRASTS and slots in CONTRAST_LAYOUTS:
        return CONTRAST_LAYOUTS[slots]
    if choice == MAPS:
        return MAPS_LAYOUT
    if surface:
        return slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    return PLANES_LAYOUT if choice == PLANES else None


def chooseFirstLayout() -> str:
    """Three planes instead of Slicer's own first layout, whose 3D view is empty; any other was chosen by the user."""
    manager = slicer.app.layoutManager()
    isFirst = manager is not None and manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    return PLANES if isFirst else OWN


def isOurs(number: int) -> bool:
    """Whether a layout is one that the review chooses."""
    return number in (MAPS_LAYOUT, PLANES_LAYOUT, *CONTRAST_LAYOUTS.values())


def _descriptions() -> dict[int, str]:
    found = {MAPS_LAYOUT: _axialViews(MAP_VIEWS, MAP_LABELS, MAP_COLORS), PLANES_LAYOUT: _planes()}
    for slots, number in CONTRAST_LAYOUTS.items():
        sides = ([table[slot] for slot in slots] for table in (CONTRAST_VIEWS, CONTRAST_COLORS))
        views, colors = sides
        found[number] = _axialViews(views, [slot.upper() for slot in slots], colors)
    for count, number in SIDE_LAYOUTS.items():
        labels = [str(each + 1) for each in range(count)]
        found[number] = _axialViews(SIDE_VIEWS[:count], labels, SIDE_COLORS[:count])
    found[CURVES_LAYOUT] = _slicesAndPlots()
    return found


def _axialViews(tags, labels, colors) -> str:
    """Axial views in a row."""
    views = (_view("vtkMRMLSliceNode", *each, "Axial") for each in zip(tags, labels, colors, strict=True))
    return f'<layout type="horizontal">{"".join(views)}</layout>'


def _planes() -> str:
    """One plane large, the others beside it."""
    red, yellow, green = (
        _view("vtkMRMLSliceNode", tag, tag[0], "", turned)
        for tag, turned in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal"))
    )
    beside = f'<item><layout type="vertical">{yellow}{green}</layout></item>'
    return f'<layout type="horizontal">{red}{beside}</layout>'


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
