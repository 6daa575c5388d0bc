"""What is loaded, as the guess reads it: names, and what DICOM says where the volumes came from DICOM."""

from __future__ import annotations

import slicer

from MSSoftSegGUI.exam.guess import LoadedVolume
from MSSoftSegGUI.scene.case_folder import findAncestorName, findParentFolderName, isOurs

DICOM_TAGS = {
    "SeriesDescription": "0008,103e",
    "ProtocolName": "0018,1030",
    "SequenceName": "0018,0024",
    "ScanningSequence": "0018,0020",
    "EchoTime": "0018,0081",
    "RepetitionTime": "0018,0080",
    "InversionTime": "0018,0082",
    "ContrastBolusAgent": "0018,0010",
    "Modality": "0008,0060",
}
PATIENT, STUDY = "Patient", "Study"


def listLoadedVolumes() -> tuple[LoadedVolume, ...]:
    """Every scalar volume of the scene that this module did not make."""
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    plain = [node for node in nodes if node.GetClassName() == "vtkMRMLScalarVolumeNode"]
    return tuple(_asLoaded(node) for node in plain if not isOurs(node) and not node.GetHideFromEditors())


def findStudy(node) -> str:
    """The study that the node lies under in the subject hierarchy, or its folder; empty for none."""
    return findAncestorName(node, STUDY) or findParentFolderName(node)


def findPatientName(node) -> str:
    """The patient or folder that the node lies under, else empty."""
    return findAncestorName(node, PATIENT) or findParentFolderName(node)


def _asLoaded(node) -> LoadedVolume:
    i, j, k = node.GetSpacing()
    return LoadedVolume(
        id=node.GetID(),
        # The folder's name says whose image it is, not which: it may hold words such as T1.
        name=node.GetName().removeprefix(findParentFolderName(node)).strip() or node.GetName(),
        study=findStudy(node),
        attributes=_dicomAttributes(node),
        voxel_volume_mm3=i * j * k,
    )


def _dicomAttributes(node) -> dict[str, str]:
    """Keyword to text for what DICOM knows of the volume's first file; nothing where it did not come from DICOM."""
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None or not database.isOpen:
        return {}
    values = {keyword: database.instanceValue(uids[0], tag) for keyword, tag in DICOM_TAGS.items()}
    return {keyword: value for keyword, value in values.items() if value}
