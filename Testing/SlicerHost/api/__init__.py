"""What Python sees of Slicer's, qMRML's and CTK's Qt classes: the facts that the stand-ins are held against.

`qt_api.json` holds the classes that the host imitates and their bases, as the meta-object compiler reads them
off Slicer's own headers. `python -m Testing.SlicerHost.api.update TABLE` writes it anew from the full table.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

from PySide6 import QtCore, QtGui, QtWidgets

TABLE_PATH = Path(__file__).with_name("qt_api.json")
PYTHON_TABLE_PATH = Path(__file__).with_name("python_api.json")
MEMBER_KINDS = ("properties", "signals", "slots", "invokables", "decorators")


@functools.cache
def classes() -> dict:
    return json.loads(TABLE_PATH.read_text(encoding="utf-8"))["classes"]


def qt_class(name: str):
    """Qt's own class of that name, or None."""
    return next((getattr(m, name) for m in (QtWidgets, QtGui, QtCore) if hasattr(m, name)), None)


def lineage(name: str):
    """The class and its bases, nearest first, as names; Qt's own classes end the line."""
    todo, seen = [name], []
    while todo:
        current = todo.pop(0)
        if current in seen:
            continue
        seen.append(current)
        todo += classes().get(current, {}).get("bases", [])
    return seen


def _enum_names(entry: dict):
    for enum, values in entry.get("enums", {}).items():
        yield enum
        yield from values
    for flag, facts in entry.get("flags", {}).items():
        yield flag
        yield from facts["values"]


@functools.cache
def kinds(name: str, attribute: str) -> frozenset[str]:
    """How Python sees the attribute on the class: 'properties', 'slots' …, 'enums', 'qt'; empty: not at all."""
    found: set[str] = set()
    for ancestor in lineage(name):
        entry = classes().get(ancestor)
        if entry is not None:
            found |= {kind for kind in MEMBER_KINDS if attribute in entry.get(kind, {})}
            found |= {"enums"} if attribute in _enum_names(entry) else set()
        elif (qt := qt_class(ancestor)) is not None:
            found |= qt_kinds(qt, attribute)
    return frozenset(found)


@functools.cache
def qt_kinds(qt, attribute: str) -> frozenset[str]:
    """The same for one of Qt's own classes."""
    meta = getattr(qt, "staticMetaObject", None)
    if meta is not None and meta.indexOfProperty(attribute) >= 0:
        return frozenset({"properties"})
    if meta is not None and any(signature.split("(")[0] == attribute for signature in qt_signals(qt)):
        return frozenset({"signals"})
    return frozenset({"qt"} if hasattr(qt, attribute) else ())


@functools.cache
def qt_signals(qt) -> tuple[str, ...]:
    """Signatures of a Qt class's signals, its bases' included."""
    meta = qt.staticMetaObject
    methods = (meta.method(index) for index in range(meta.methodCount()))
    signal = QtCore.QMetaMethod.MethodType.Signal
    return tuple(bytes(m.methodSignature().data()).decode() for m in methods if m.methodType() == signal)


@functools.cache
def signal_signatures(name: str) -> tuple[str, ...]:
    """Signatures of a class's signals, first overload first, its bases' included."""
    found: list[str] = []
    for ancestor in lineage(name):
        entry = classes().get(ancestor)
        if entry is not None:
            found += [
                f"{signal}({args})" for signal, overloads in entry.get("signals", {}).items() for args in overloads
            ]
        elif (qt := qt_class(ancestor)) is not None and hasattr(qt, "staticMetaObject"):
            found += qt_signals(qt)
    return tuple(found)


@functools.cache
def enum_value(name: str, attribute: str):
    """The integer of an enum value of the class or of its bases; None where there is none."""
    for ancestor in lineage(name):
        entry = classes().get(ancestor, {})
        tables = [*entry.get("enums", {}).values(), *(flag["values"] for flag in entry.get("flags", {}).values())]
        for values in tables:
            if attribute in values:
                return values[attribute]
    return None


@functools.cache
def property_type(name: str, attribute: str) -> str | None:
    """C++ type of a tabled property; None for Qt's own and for what is no property."""
    for ancestor in lineage(name):
        facts = classes().get(ancestor, {}).get("properties", {}).get(attribute)
        if facts:
            return facts["type"]
    return None


@functools.cache
def property_is_writable(name: str, attribute: str) -> bool:
    for ancestor in lineage(name):
        facts = classes().get(ancestor, {}).get("properties", {}).get(attribute)
        if facts:
            return facts["write"] is not None
        if (qt := qt_class(ancestor)) is not None and qt.staticMetaObject.indexOfProperty(attribute) >= 0:
            return qt.staticMetaObject.property(qt.staticMetaObject.indexOfProperty(attribute)).isWritable()
    return False


@functools.cache
def python_modules() -> dict:
    """Module name to its public functions and classes, with their signatures as text."""
    return json.loads(PYTHON_TABLE_PATH.read_text(encoding="utf-8"))["modules"]
