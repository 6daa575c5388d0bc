"""Designer files load with the stand-ins in them, and ask for nothing that Slicer does not have."""

from __future__ import annotations

import pytest

UI = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0">
 <class>Panel</class>
 <widget class="qMRMLWidget" name="Panel">
  <layout class="QVBoxLayout">
   <item>
    <widget class="{kind}" name="part">
     {properties}
    </widget>
   </item>
   <item><widget class="qMRMLNodeComboBox" name="flairSelector">
     <property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
     <property name="noneEnabled"><bool>true</bool></property>
     <property name="SlicerParameterName" stdset="0"><string>flair</string></property>
   </widget></item>
  </layout>
 </widget>
 <connections>
  <connection><sender>{sender}</sender><signal>{signal}</signal><receiver>flairSelector</receiver><slot>{slot}</slot></connection>
 </connections>
</ui>"""


@pytest.fixture
def load(slicer, tmp_path):
    def loaded(kind="ctkSliderWidget", properties="", sender="Panel", signal="mrmlSceneChanged(vtkMRMLScene*)",
               slot="setMRMLScene(vtkMRMLScene*)"):  # fmt: skip
        path = tmp_path / "panel.ui"
        text = UI.format(kind=kind, properties=properties, sender=sender, signal=signal, slot=slot)
        path.write_text(text, encoding="utf-8")
        return slicer.util.loadUI(str(path))

    return loaded


def test_properties_names_and_the_scene_connection_arrive(slicer, load):
    widget = load(properties='<property name="maximum"><double>0.9</double></property>')
    ui = slicer.util.childWidgetVariables(widget)
    assert ui.part.maximum == 0.9
    assert ui.flairSelector.nodeTypes == ["vtkMRMLScalarVolumeNode"]
    assert ui.flairSelector.property("SlicerParameterName") == "flair"
    assert ui.flairSelector.mrmlScene() is None
    widget.setMRMLScene(slicer.mrmlScene)
    assert ui.flairSelector.mrmlScene() is slicer.mrmlScene


def test_enum_values_of_ctk_are_understood(load):
    properties = '<property name="filters"><set>ctkPathLineEdit::Dirs|ctkPathLineEdit::Readable</set></property>'
    assert load("ctkPathLineEdit", properties).part.filters == 17


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kind": "qMRMLTreeOfLife"}, "qMRMLTreeOfLife"),
        ({"kind": "QPushButon"}, "QPushButon"),
        ({"properties": '<property name="treshold"><double>1</double></property>'}, "treshold"),
        ({"kind": "QPushButton", "properties": '<property name="colour"><string>red</string></property>'}, "colour"),
        ({"kind": "ctkPathLineEdit",
          "properties": '<property name="filters"><set>ctkPathLineEdit::Folders</set></property>'}, "Folders"),
        ({"signal": "mrmlSceneChanged(int)"}, "mrmlSceneChanged"),
        ({"slot": "setScene(vtkMRMLScene*)"}, "setScene"),
        ({"sender": "Pannel"}, "Pannel"),
    ],
)  # fmt: skip
def test_what_slicer_would_not_know_is_refused_by_name(load, arguments, said):
    with pytest.raises(RuntimeError, match=said):
        load(**arguments)


def test_a_missing_file_is_refused(slicer):
    with pytest.raises(RuntimeError, match="not found"):
        slicer.util.loadUI("/nowhere/panel.ui")
