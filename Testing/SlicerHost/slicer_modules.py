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
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)
    sys.modules["SampleData"] = importlib.import_module(".python_stand_ins.SampleData", __package__)
    return folder or "stand-ins"


def _from_checkout(folder: Path, name: str):
    """slicer.NAME from the checkout; the packages beside slicer-core's own files."""
    base = folder / "slicer"
    if not base.is_dir():
        raise FileNotFoundError(f"{BASE_PYTHON} holds no folder 'slicer'")
    if str(base) not in slicer.__path__:
        slicer.__path__.append(str(base))
    return importlib.import_module(f"slicer.{name}")
