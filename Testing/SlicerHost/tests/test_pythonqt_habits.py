"""What Python code in Slicer may do with Qt objects, and what it may not."""

from __future__ import annotations

import functools
import logging

import pytest


def test_a_property_is_read_and_assigned_as_an_attribute(qt):
    button = qt.QPushButton("Segment")
    button.text = "Cancel"
    button.enabled = False
    assert button.text == "Cancel"
    assert button.enabled is False
    assert button._inner.text() == "Cancel"


def test_a_property_cannot_be_called(qt, ctk):
    with pytest.raises(TypeError, match="not callable"):
        qt.QPushButton("x").text()
    with pytest.raises(TypeError, match="not callable"):
        ctk.ctkSliderWidget().value()


def test_an_unknown_name_cannot_be_read(qt, ctk):
    for widget in (qt.QPushButton(), ctk.ctkSliderWidget()):
        with pytest.raises(AttributeError, match="treshold"):
            _ = widget.treshold


def test_an_unknown_name_cannot_be_assigned(qt, ctk):
    for widget in (qt.QPushButton(), ctk.ctkSliderWidget()):
        with pytest.raises(AttributeError, match="treshold"):
            widget.treshold = 1


def test_a_method_cannot_be_assigned(qt):
    with pytest.raises(AttributeError, match="method"):
        qt.QPushButton().click = 1


def test_a_class_derived_in_python_takes_attributes_of_its_own(qt):
    class Row(qt.QWidget):
        pass

    row = Row()
    row.lesion = 7
    assert row.lesion == 7


def test_a_class_derived_in_python_overrides_virtual_functions(qt, host):
    seen = []

    class Filter(qt.QObject):
        def eventFilter(self, watched, event):
            seen.append((watched, event.type()))
            return False

    watcher, button = Filter(), qt.QPushButton("x")
    button.installEventFilter(watcher)
    button.setEnabled(False)
    assert (button, qt.QEvent.EnabledChange) in seen


def test_a_read_only_property_of_a_stand_in_cannot_be_assigned(slicer):
    with pytest.raises(AttributeError, match="segmentCount"):
        slicer.qMRMLSegmentsTableView().segmentCount = 3


def test_a_setter_that_is_no_slot_does_not_exist_on_a_stand_in(slicer):
    combo_box = slicer.qMRMLNodeComboBox()
    combo_box.addEnabled = False
    with pytest.raises(AttributeError, match="setAddEnabled"):
        combo_box.setAddEnabled(False)


def test_a_property_of_the_wrong_type_is_refused(ctk):
    with pytest.raises(AttributeError, match="double"):
        ctk.ctkSliderWidget().value = "high"


def test_what_slicer_has_but_the_stand_in_lacks_is_said_aloud(ctk):
    with pytest.raises(NotImplementedError, match="popupSlider"):
        _ = ctk.ctkSliderWidget().popupSlider


def test_a_text_cannot_be_given_to_the_constructor_of_a_stand_in(ctk):
    with pytest.raises(ValueError, match="ctkCollapsibleButton"):
        ctk.ctkCollapsibleButton("Review")


def test_keyword_arguments_are_refused(qt):
    with pytest.raises(TypeError, match="keyword"):
        qt.QLabel().setText(text="x")


def test_a_wrong_signature_connects_nothing_and_says_so(qt, caplog):
    button = qt.QPushButton()
    with caplog.at_level(logging.WARNING):
        assert button.connect("clicked(int)", lambda: None) is False
    assert "clicked(int)" in caplog.text


def test_a_wrong_signature_of_a_stand_in_connects_nothing(ctk):
    assert ctk.ctkSliderWidget().connect("valueChanged(int)", lambda: None) is False
    assert ctk.ctkSliderWidget().connect("valueChanged( double )", lambda: None) is True


def test_a_function_gets_only_as_many_arguments_as_it_takes(qt):
    button, seen = qt.QPushButton(), []
    button.checkable = True
    assert button.connect("clicked(bool)", lambda: seen.append("none"))
    assert button.connect("clicked(bool)", lambda checked: seen.append(checked))
    assert button.connect("clicked(bool)", lambda checked=None: seen.append(("default", checked)))
    button.click()
    assert seen == ["none", True, ("default", True)]


def test_a_partial_gets_all_arguments(qt):
    button, seen = qt.QPushButton(), []
    button.connect("clicked(bool)", functools.partial(lambda *args: seen.append(args), "first"))
    button.click()
    assert seen == [("first", False)]


def test_the_attribute_form_connects_the_first_overload(qt):
    button, seen = qt.QPushButton(), []
    button.clicked.connect(lambda *args: seen.append(args))
    button.click()
    assert seen == [(False,)]


def test_the_signal_without_arguments_gives_none(qt):
    button, seen = qt.QPushButton(), []
    button.connect("clicked()", lambda *args: seen.append(args))
    button.click()
    assert seen == [()]


def test_a_disconnected_function_is_not_called(qt):
    button, seen = qt.QPushButton(), []

    def clicked():
        seen.append(1)

    button.connect("clicked()", clicked)
    assert button.disconnect("clicked()", clicked) is True
    assert button.disconnect("clicked()", clicked) is False
    button.click()
    assert seen == []


def test_a_slot_that_raises_is_kept_for_the_test_to_see(qt, host):
    button = qt.QPushButton()
    button.connect("clicked()", lambda: 1 / 0)
    button.click()
    assert [type(error) for error in host.slot_errors] == [ZeroDivisionError]
    host.forget_slot_errors()


def test_enum_values_are_attributes_of_the_class(qt, ctk):
    assert qt.QMessageBox.Ok == qt.QMessageBox.Ok
    assert qt.QMessageBox.Ok != qt.QMessageBox.Cancel
    assert ctk.ctkPathLineEdit.Dirs == 1


def test_a_child_is_found_by_name_by_type_and_as_an_attribute(qt):
    parent = qt.QWidget()
    layout = qt.QVBoxLayout(parent)
    button = qt.QPushButton("x")
    button.objectName = "goButton"
    layout.addWidget(button)
    assert parent.goButton is button
    assert parent.findChild(qt.QPushButton, "goButton") is button
    assert parent.findChild("QPushButton", "goButton") is button
    assert parent.findChild(qt.QLabel, "goButton") is None
    assert button in parent.children()


def test_the_same_object_is_always_the_same_python_object(qt):
    button = qt.QPushButton("x")
    parent = qt.QWidget()
    button.setParent(parent)
    assert button.parent() is parent
    assert parent.children()[0] is button


def test_a_file_dialog_answers_with_the_name_alone(qt, monkeypatch):
    from PySide6 import QtWidgets

    monkeypatch.setattr(QtWidgets.QFileDialog, "getOpenFileName", staticmethod(lambda *_: ("/a/b.nii", "All (*)")))
    assert qt.QFileDialog.getOpenFileName(None, "Open") == "/a/b.nii"


def test_a_deleted_object_cannot_be_read(qt):
    button = qt.QPushButton("x")
    button.delete()
    with pytest.raises(ValueError, match="deleted"):
        _ = button.text
