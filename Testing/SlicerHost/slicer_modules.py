"""The Python modules that a module in Slicer can import: qt, ctk, slicer.i18n, slicer.packaging …"""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path

import slicer

from .pythonqt import wrapper_class
from .qt_module import QtModule
from .widgets import STAND_INS

BASE_PYTHON = "SLICER_BASE_PYTHON"
OWN_MODULES = ("i18n", "packaging", "ScriptedLoadableModule", "parameterNodeWrapper")
# What Slicer's own Python files import of widgets that no module here uses.
WIDGETS_ELSEWHERE = {"qSlicerSubjectHierarchyModuleWidgetsPythonQt": ("qMRMLSubjectHierarchyTreeView",)}
# What the oldest Slicer that is supported lacks.
SINCE = {"packaging": "5.12"}


def install_qt_modules() -> None:
    """qt and ctk, and the qMRML and qSlicer classes in slicer."""
    sys.modules["qt"] = QtModule("qt")
    ctk = types.ModuleType("ctk")
    sys.modules["ctk"] = ctk
    for name, stand_in in STAND_INS.items():
        setattr(ctk if name.startswith("ctk") else slicer, name, wrapper_class(stand_in))
    # Scripts may say slicer.modules before any module is there.
    slicer.modules = types.SimpleNamespace()


def install_python_modules() -> str:
    """Slicer's own Python modules if a checkout is named, else the stand-ins; says which."""
    folder = os.environ.get(BASE_PYTHON)
    for name in OWN_MODULES:
        if folder:
            module = _from_checkout(Path(folder), name)
        else:
            module = importlib.import_module(f".python_stand_ins.{name}", __package__)
        if module is not None:
            sys.modules[f"slicer.{name}"] = module
            setattr(slicer, name, module)
    sys.modules["SampleData"] = importlib.import_module(".python_stand_ins.SampleData", __package__)
    return folder or "stand-ins"


class _NotImitated:
    """A widget that is known by name only."""

    def __init__(self, *_):
        raise NotImplementedError(f"{type(self).__name__} has no stand-in")


def _from_checkout(folder: Path, name: str):
    """slicer.NAME from the checkout, beside slicer-core's own files; None for what this version of Slicer does not have."""
    base = folder / "slicer"
    if not base.is_dir():
        raise FileNotFoundError(f"{BASE_PYTHON} holds no folder 'slicer'")
    if name in SINCE and not ((base / f"{name}.py").is_file() or (base / name).is_dir()):
        return None
    if str(base) not in slicer.__path__:
        slicer.__path__.append(str(base))
        for library, names in WIDGETS_ELSEWHERE.items():
            sys.modules[library] = types.ModuleType(library)
            vars(sys.modules[library]).update({each: type(each, (_NotImitated,), {}) for each in names})
    return importlib.import_module(f"slicer.{name}")
