"""Real .ui files with the stand-ins in them. What Slicer's loader would not know is an error here, not a shrug.

Designer files are checked first: every class must be Qt's or a stand-in, every property must exist on its class.
What names a stand-in's enum or signal is taken out of the text and carried out afterwards, by PythonQt's rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree import ElementTree

from PySide6 import QtCore, QtUiTools

from . import api
from .pythonqt import unwrap, wrap, write_property

# Names that the form builder itself understands, beside the properties.
BUILDER_NAMES = {
    "QLabel": {"buddy"},
    "QTableWidget": {f"{side}Header{name}" for side in ("horizontal", "vertical") for name in (
        "Visible", "CascadingSectionResizes", "DefaultSectionSize", "HighlightSections", "MinimumSectionSize",
        "ShowSortIndicator", "StretchLastSection",
    )},
}  # fmt: skip


class UiError(RuntimeError):
    """The .ui file asks for something that Slicer does not have, or that has no stand-in."""


@dataclass
class Deferred:
    """What is done after loading: properties of stand-ins by name, and connections."""

    properties: list[tuple[str, str, object]] = field(default_factory=list)
    connections: list[tuple[str, str, str, str]] = field(default_factory=list)


class _Loader(QtUiTools.QUiLoader):
    def createWidget(self, class_name, parent=None, name=""):
        from .widgets import STAND_INS

        if class_name in STAND_INS:
            widget = STAND_INS[class_name](parent)
            widget.setObjectName(name)
            return widget
        return super().createWidget(class_name, parent, name)


class QUiLoader:
    """What `qt.QUiLoader()` is: `load(file)` gives the top widget."""

    def load(self, file, parent=None):
        text = bytes(unwrap(file).readAll().data())
        return load_text(text, unwrap(parent))


def load_text(text: bytes, parent=None):
    """The top widget of a Designer file's content."""
    document = ElementTree.fromstring(text)
    deferred = Deferred()
    for widget in document.iter("widget"):
        _check_widget(widget, deferred)
    for action in document.iter("action"):
        _check_properties(action, "QAction", deferred)
    _take_connections(document, deferred)
    buffer = QtCore.QBuffer()
    buffer.setData(ElementTree.tostring(document))
    buffer.open(QtCore.QIODevice.ReadOnly)
    loader = _Loader()
    made = loader.load(buffer, parent)
    if made is None:
        raise UiError(loader.errorString())
    made._loader = loader
    _carry_out(made, deferred)
    return wrap(made)


def _check_widget(widget, deferred):
    from .widgets import STAND_INS

    class_name = widget.get("class")
    if class_name not in STAND_INS and class_name != "Line" and api.qt_class(class_name) is None:
        raise UiError(f"{widget.get('name')} is a {class_name}, which is neither Qt's nor has a stand-in")
    _check_properties(widget, class_name, deferred)


def _check_properties(element, class_name, deferred):
    from .widgets import STAND_INS

    for item in list(element.findall("property")):
        name, value = item.get("name"), next(iter(item))
        if item.get("stdset") == "0" or class_name == "Line":
            continue
        kinds = api.kinds(class_name, name)
        if "properties" not in kinds and name not in BUILDER_NAMES.get(class_name, ()):
            raise UiError(f"{element.get('name')} sets {name}, which a {class_name} does not have")
        if class_name not in STAND_INS or name not in _own_properties(class_name):
            continue
        if not isinstance(getattr(STAND_INS[class_name], name, None), QtCore.Property):
            # Slicer has it; what it changes is not imitated, so the file must not rely on it in tests.
            raise UiError(f"the stand-in of {class_name} does not imitate {name}, set by {element.get('name')}")
        if value.tag in {"enum", "set"}:
            deferred.properties.append((element.get("name"), name, _flags(value.text, class_name)))
            element.remove(item)


def _own_properties(class_name):
    names = set()
    for ancestor in api.lineage(class_name):
        names |= set(api.classes().get(ancestor, {}).get("properties", {}))
    return names


def _flags(text, class_name):
    value = 0
    for part in (text or "").split("|"):
        name = part.strip().split("::")[-1]
        found = api.enum_value(class_name, name) if name else 0
        if found is None:
            raise UiError(f"{class_name} has no enum value {name}")
        value |= found
    return value


def _take_connections(document, deferred):
    for connections in document.findall("connections"):
        for connection in connections.findall("connection"):
            parts = (connection.findtext(tag) for tag in ("sender", "signal", "receiver", "slot"))
            deferred.connections.append(tuple(parts))
        document.remove(connections)


def _named(top, name):
    found = top if top.objectName() == name else top.findChild(QtCore.QObject, name)
    if found is None:
        raise UiError(f"there is no {name} to connect")
    return found


def _carry_out(top, deferred):
    for name, attribute, value in deferred.properties:
        write_property(_named(top, name), attribute, value)
    for sender, signal, receiver, slot in deferred.connections:
        target = wrap(_named(top, receiver))
        kinds = api.kinds(target.className(), slot.split("(")[0])
        if not kinds & {"slots", "qt", "signals"}:
            raise UiError(f"{receiver} has no slot {slot}")
        function = getattr(target._inner, slot.split("(")[0])
        if not wrap(_named(top, sender)).connect(signal, function):
            raise UiError(f"{sender} has no signal {signal}")
