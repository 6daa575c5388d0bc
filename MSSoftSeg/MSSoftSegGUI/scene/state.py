"""What is saved with the scene: the fields of the module's parameter nodes, by name, type and default.

The panel makes its ``@parameterNodeWrapper`` classes from these; nodes are named by their MRML class. ``PanelState`` is
one per scene, ``ExamState`` one per exam, each on a node of its own, so that two exams in one scene do not mix.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# The images of an exam, as fields and jobs name them.
SLOTS = ("flair", "t1", "t2")


@dataclass
class PanelState:
    """Settings of the panel, and which exam is shown. model: "" = the default one, whichever that is when it is asked for.

    layout: which of the review's layouts, "" = not chosen yet.
    """

    model: str = ""
    device: str = "auto"
    brain: str = "auto"
    tta: str = ""
    overlay: str = "probability"
    overlayOpacity: float = 0.6
    outlineVisible: bool = True
    layout: str = ""


@dataclass
class ExamState:
    """One exam: its images, its result and the reader's work on it.

    lesionFacts: ``ReviewFacts`` as JSON, "" before a result. threshold: 0 = the model's, minLesionMm3: below 0 = the model's.
    decisions and edits: as the review presenter hands them out. resultFolder: where the result's files lie, which may be gone
    when a scene is opened elsewhere; nothing that the review needs is read from there. curation: ``CaseState`` as JSON.
    comparison: the folder of the comparison with an earlier visit, "" for none; comparisonPair: which two visits of it are read,
    "" for the latest; prior: which visit it is, as the panel's list has it; priorRater: whose mask of that, "" for the latest.
    spinalCord, opticNerve: what the reader entered about them, as ``mssoftseg regions`` names it.
    """

    caseName: str = ""
    lesionFacts: str = ""
    threshold: float = 0.0
    minLesionMm3: float = -1.0
    decisions: str = ""
    edits: str = ""
    resultFolder: str = ""
    curation: str = ""
    comparison: str = ""
    comparisonPair: str = ""
    prior: str = ""
    priorRater: str = ""
    spinalCord: str = "not-entered"
    opticNerve: str = "not-entered"


@dataclass(frozen=True)
class NodeField:
    """A reference from a parameter node to another node."""

    name: str
    mrml_class: str
    description: str = field(default="", compare=False)


PANEL_NODES = (NodeField("currentExam", "vtkMRMLScriptedModuleNode", "parameter node of the exam that is shown"),)
EXAM_NODES = (
    NodeField("flair", "vtkMRMLScalarVolumeNode", "FLAIR as loaded"),
    NodeField("t1", "vtkMRMLScalarVolumeNode", "T1 as loaded"),
    NodeField("t2", "vtkMRMLScalarVolumeNode", "T2 as loaded"),
    NodeField("probability", "vtkMRMLScalarVolumeNode", "lesion probability on FLAIR's voxels, 0–1"),
    NodeField("entropy", "vtkMRMLScalarVolumeNode", "lesion entropy on FLAIR's voxels, nats"),
    NodeField("segmentation", "vtkMRMLSegmentationNode", "MS lesion and possible MS lesion"),
    NodeField("brainMask", "vtkMRMLSegmentationNode", "editable brain mask on FLAIR's voxels"),
)
