"""What is saved with the scene, as Slicer's parameter node wrappers: made from the fields of ``state``."""

import dataclasses
import typing

import slicer
from slicer.parameterNodeWrapper import parameterNodeWrapper

from MSSoftSegGUI.scene.state import EXAM_NODES, PANEL_NODES, ExamState, PanelState

EXAM_TAG = "MSSoftSeg.ExamNode"


def _wrapperClass(name: str, state: type, nodes) -> type:
    """A class with the state's fields and the nodes, which the wrapper turns into properties of a MRML node."""
    types = typing.get_type_hints(state)
    types |= {each.name: getattr(slicer, each.mrml_class) for each in nodes}
    defaults = {each.name: each.default for each in dataclasses.fields(state)}
    return parameterNodeWrapper(type(name, (), {"__annotations__": types, "__module__": __name__, **defaults}))


PanelParameters = _wrapperClass("PanelParameters", PanelState, PANEL_NODES)
ExamParameters = _wrapperClass("ExamParameters", ExamState, EXAM_NODES)


def makeExam(caseName: str):
    """The parameters of a new exam, on a node of its own."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", f"MSSoftSeg {caseName}")
    node.SetAttribute(EXAM_TAG, "1")
    exam = ExamParameters(node)
    exam.caseName = caseName
    return exam


def findExamOfFlair(flairNode):
    """The parameters of the exam that has this FLAIR image, None where there is none."""
    for node in slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):
        if node.GetAttribute(EXAM_TAG):
            exam = ExamParameters(node)
            if exam.flair is flairNode:
                return exam
    return None


def findExamOfNode(node):
    """The parameters on an exam's node, None for no node."""
    return ExamParameters(node) if node is not None else None


def isThere(*nodes) -> bool:
    """Whether all of these are in the scene: Slicer's parameters may still name a node that was removed."""
    return all(node is not None and slicer.mrmlScene.IsNodePresent(node) for node in nodes)
