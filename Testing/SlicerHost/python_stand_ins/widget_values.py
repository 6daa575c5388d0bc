"""Which property of a widget holds its value, and which signal tells of a change: for connectGui."""

from __future__ import annotations

from functools import partial

_BY_PROPERTY = (
    ("QAbstractButton", "checked", "toggled(bool)"),
    ("QDoubleSpinBox", "value", "valueChanged(double)"),
    ("QSpinBox", "value", "valueChanged(int)"),
    ("QAbstractSlider", "value", "valueChanged(int)"),
    ("ctkSliderWidget", "value", "valueChanged(double)"),
    ("ctkPathLineEdit", "currentPath", "currentPathChanged(QString)"),
    ("QComboBox", "currentText", "currentIndexChanged(int)"),
    ("QLineEdit", "text", "textChanged(QString)"),
)


def reader_and_writer(widget):
    """(read, write, signal) of a widget's value."""
    if widget.inherits("qMRMLNodeComboBox"):
        return widget.currentNode, widget.setCurrentNode, "currentNodeChanged(vtkMRMLNode*)"
    for class_name, name, signal in _BY_PROPERTY:
        if widget.inherits(class_name):
            return partial(getattr, widget, name), partial(setattr, widget, name), signal
    raise ValueError(f"a {widget.className()} cannot be connected to a parameter")
