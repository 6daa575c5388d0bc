"""The scene and Slicer's own module logics on it."""

from __future__ import annotations

import os

import slicer

LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Models": "vtkSlicerModelsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "ViewControllers": "vtkSlicerViewControllersLogic",
}


def make_application_logic(scene, home: str, temporary: str):
    """The application's logic, which selections, slice logics and displayable managers go through."""
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetHomeDirectory(home)
    logic.SetShareDirectory("share")
    logic.SetTemporaryPath(temporary)
    # Logics look for their data files there, and complain if there is no such folder.
    for module in ("Colors/ColorFiles", "Terminologies"):
        os.makedirs(os.path.join(home, "share", "qt-loadable-modules", module), exist_ok=True)
    logic.SetMRMLScene(scene)
    return logic


def make_remote_io(scene, cache: str):
    """What downloads for the scene; reading .mrb files needs its cache folder."""
    os.makedirs(cache, exist_ok=True)
    logic = slicer.vtkMRMLRemoteIOLogic()
    logic.GetCacheManager().SetRemoteCacheDirectory(cache)
    logic.SetMRMLScene(scene)
    logic.AddDataIOToScene()
    return logic


def make_logics(scene, application_logic) -> dict[str, object]:
    """Module name to its logic, attached to the scene."""
    logics = {}
    for name, class_name in LOGICS.items():
        logic = getattr(slicer, class_name)()
        logic.SetMRMLApplicationLogic(application_logic)
        if name == "Colors":
            application_logic.SetColorLogic(logic)
        application_logic.SetModuleLogic(name, logic)
        logic.SetMRMLScene(scene)
        logics[name] = logic
    return logics
