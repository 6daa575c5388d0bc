"""slicer.app.coreIOManager(): what `slicer.util.loadVolume`, `saveScene` and their kin call."""

from __future__ import annotations

from pathlib import Path

import slicer
from PySide6 import QtCore

VOLUMES = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
SCENES = (".mrml", ".mrb")


class qSlicerIOManager(QtCore.QObject):
    newFileLoaded = QtCore.Signal(dict)

    def fileType(self, path):
        name = Path(path).name.lower()
        if name.endswith(SCENES):
            return "SceneFile"
        if name.endswith((".seg.nrrd", ".seg.nhdr")):
            return "SegmentationFile"
        return "VolumeFile" if name.endswith(VOLUMES) else "NoFile"

    def fileWriterFileType(self, node):
        return "SegmentationFile" if node.IsA("vtkMRMLSegmentationNode") else "NodeFile"

    def loadNodes(self, kind, properties, collection=None, messages=None):
        loaders = {
            "VolumeFile": _load_volume,
            "SegmentationFile": _load_segmentation,
            "ColorTableFile": _load_colors,
            "SceneFile": _load_scene,
        }
        if kind not in loaders:
            raise NotImplementedError(f"the host does not load files of type {kind}")
        node = loaders[kind](str(properties["fileName"]), properties)
        if isinstance(node, bool):
            return node
        if node is not None and collection is not None:
            collection.AddItem(node)
        return node is not None

    def loadScene(self, path, clear=True):
        return self.loadNodes("SceneFile", {"fileName": path, "clear": clear})

    def saveNodes(self, kind, properties, messages=None):
        path = str(properties["fileName"])
        if kind == "SceneFile":
            return self.saveScene(path)
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode(path)
        node.GetStorageNode().SetFileName(path)
        return bool(node.GetStorageNode().WriteData(node))

    def saveScene(self, path, screenshot=None):
        scene = slicer.mrmlScene
        if path.lower().endswith(".mrb"):
            return bool(scene.WriteToMRB(path))
        scene.SetURL(path)
        return bool(scene.Commit(path))

    def addDefaultStorageNodes(self):
        for node in slicer.util.getNodesByClass("vtkMRMLStorableNode"):
            if node.GetSaveWithScene() and node.GetStorageNode() is None:
                node.AddDefaultStorageNode()


def _load_volume(path, properties):
    options = 1 if properties.get("labelmap") else 0
    name = properties.get("name") or Path(path).name.split(".")[0]
    node = slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options)
    if node is not None and properties.get("show", True):
        slicer.util.setSliceViewerLayers(background=node, fit=True, rotateToVolumePlane=True)
    return node


def _load_segmentation(path, properties):
    return slicer.modules.segmentations.logic().LoadSegmentationFromFile(path, True, properties.get("name", ""))


def _load_colors(path, properties):
    return slicer.modules.colors.logic().LoadColorFile(path, properties.get("name"))


def _load_scene(path, properties):
    scene = slicer.mrmlScene
    clear = properties.get("clear", True)
    if path.lower().endswith(".mrb"):
        return bool(scene.ReadFromMRB(path, clear))
    scene.SetURL(path)
    return bool(scene.Connect() if clear else scene.Import())
