"""SlicerHost: a scripted module runs here against the real MRML library and real Qt, without the Slicer application.

`start()` completes `slicer` (PyPI's slicer-core: scene, logics, displayable managers, `slicer.util`) with what it
lacks: `slicer.app`, `slicer.modules`, `slicer.mrmlScene`, the scripted-module base classes, and `qt`, `ctk` and
`qMRML*` stand-ins on PySide6 that offer what the API table says and refuse the rest. With SLICER_BASE_PYTHON naming
the `Base/Python` folder of a Slicer source checkout, Slicer's own Python modules take the place of the stand-ins.
"""

from __future__ import annotations

from .host import Host, start

__all__ = ["Host", "start"]
