"""A stand-in that allows what Slicer does not have proves nothing: each is held against the table of facts."""

from __future__ import annotations

import inspect

import pytest
from PySide6 import QtCore

from Testing.SlicerHost import api
from Testing.SlicerHost.widgets import STAND_INS

# Python-side virtual functions of Qt that a stand-in overrides.
QT_VIRTUALS = {"sizeHint", "minimumSizeHint", "hitButton", "paintEvent", "resizeEvent", "wheelEvent"}


def own_members(stand_in):
    """Public names that the host wrote for it, its own bases included, Qt's not."""
    for ancestor in stand_in.__mro__:
        if ancestor.__module__.startswith("Testing.SlicerHost"):
            for name, value in vars(ancestor).items():
                if not name.startswith("_") and not name.isupper() and name != "staticMetaObject":
                    yield name, value


@pytest.mark.parametrize("name", STAND_INS)
def test_every_stand_in_is_a_class_that_slicer_has(name):
    assert name in api.classes()


@pytest.mark.parametrize("name", STAND_INS)
def test_a_stand_in_offers_nothing_that_slicer_does_not(name):
    invented = {member for member, _ in own_members(STAND_INS[name]) if not api.kinds(name, member)}
    assert invented - QT_VIRTUALS == set()


@pytest.mark.parametrize("name", STAND_INS)
def test_properties_are_properties_signals_signals_and_methods_methods(name):
    for member, value in own_members(STAND_INS[name]):
        kinds = api.kinds(name, member)
        if isinstance(value, QtCore.Property):
            assert "properties" in kinds, member
        elif isinstance(value, QtCore.Signal):
            assert "signals" in kinds, member
        elif inspect.isfunction(value) and member not in QT_VIRTUALS:
            assert kinds & {"slots", "invokables", "decorators", "qt"}, member


@pytest.mark.parametrize("name", STAND_INS)
def test_methods_take_as_many_arguments_as_slicers(name):
    for member, value in own_members(STAND_INS[name]):
        overloads = [o for ancestor in api.lineage(name) for kind in ("slots", "invokables", "decorators")
                     for o in api.classes().get(ancestor, {}).get(kind, {}).get(member, [])]  # fmt: skip
        if not inspect.isfunction(value) or not overloads:
            continue
        allowed = {count(overload) for overload in overloads}
        parameters = list(inspect.signature(value).parameters.values())[1:]
        most, least = len(parameters), sum(p.default is p.empty for p in parameters)
        longest = max(high for _, high in allowed)
        assert most <= longest, f"{member} takes {most} arguments, Slicer's at most {longest}"
        assert least <= min(low for low, _ in allowed), f"{member} needs {least} arguments, Slicer's fewer"


def count(overload):
    """(fewest, most) arguments of 'return (types = defaults)'."""
    inside = overload[overload.index("(") + 1 : overload.rindex(")")]
    depth, parts = 0, [""] if inside else []
    for letter in inside:
        depth += (letter in "(<" and 1) or (letter in ")>" and -1) or 0
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return sum("=" not in part for part in parts), len(parts)


def test_the_table_says_no_to_what_does_not_exist():
    assert api.kinds("ctkSliderWidget", "treshold") == frozenset()
    assert api.kinds("ctkSliderWidget", "value") == {"properties"}
    assert api.kinds("ctkSliderWidget", "toolTip") == {"properties"}
    assert "slots" in api.kinds("qMRMLNodeComboBox", "setCurrentNode")
    assert api.kinds("qMRMLNodeComboBox", "setAddEnabled") == frozenset()


def test_a_signal_is_known_by_its_arguments():
    assert "valueChanged(double)" in api.signal_signatures("ctkSliderWidget")
    assert "valueChanged(int)" not in api.signal_signatures("ctkSliderWidget")
    assert "clicked(bool)" in api.signal_signatures("ctkCollapsibleButton")


def test_a_property_of_the_segment_editor_is_also_reached_by_its_slot(slicer):
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMaximumNumberOfUndoStates(9)
    assert editor.maximumNumberOfUndoStates == 9
    editor.setShow3DButtonVisible(False)
    assert editor.show3DButtonVisible is False
    with pytest.raises(AttributeError):
        editor.setJumpy(True)
