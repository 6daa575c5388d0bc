"""slicer.parameterNodeWrapper: typed fields kept in a MRML node, so that a saved scene restores them.

Covers typed fields with defaults, validators, nodes, containers of plain values, nested packs, and connectGui for
the usual widgets. A type without a rule is refused when the class is made.
"""

from __future__ import annotations

import copy
import typing

import vtk

from .parameter_fields import (
    Choice,
    Decimals,
    Default,
    Exclude,
    IsInstance,
    Label,
    Maximum,
    Minimum,
    NodeKept,
    NotNone,
    SingleStep,
    Validator,
    WithinRange,
    keeper,
)
from .widget_values import reader_and_writer

__all__ = [
    "Choice", "Decimals", "Default", "Exclude", "IsInstance", "Label", "Maximum", "Minimum", "NotNone", "SingleStep",
    "SlicerParameterNamePropertyName", "Validator", "WithinRange", "findChildWidgetForParameter",
    "isParameterNodeWrapper", "isParameterPack", "parameterNodeWrapper", "parameterPack",
]  # fmt: skip

SlicerParameterNamePropertyName = "SlicerParameterName"
# What is asked of the wrapper but belongs to the node.
_OF_THE_NODE = {
    "AddObserver", "RemoveObserver", "HasObserver", "Modified", "StartModify", "EndModify", "GetMTime", "GetID",
}  # fmt: skip


class _Field:
    """One typed field, as a Python property of the wrapper."""

    def __init__(self, name, annotated, given):
        parts = typing.get_args(annotated) if typing.get_origin(annotated) is typing.Annotated else (annotated,)
        self.name, self.type, notes = name, parts[0], parts[1:]
        self.validators = [note for note in notes if isinstance(note, Validator)]
        self.pack = isParameterPack(self.type)
        self._keeper = None if self.pack else keeper(self.type)
        self._default = next((note for note in notes if isinstance(note, Default)), None)
        if self._default is None and not self.pack:
            self._default = Default(self._keeper.default if given is _NOTHING else given)
            if given is not _NOTHING and isinstance(given, list | dict):
                raise ValueError(f"the default of {name} can change: use Annotated[..., Default(generator=...)]")

    def default(self):
        return copy.deepcopy(self._default.value)

    def __get__(self, wrapper, owner=None):
        if wrapper is None:
            return self
        key = wrapper._prefix + self.name
        if self.pack:
            return self.type(wrapper.parameterNode, prefix=f"{key}.")
        if isinstance(self._keeper, NodeKept):
            return self._remembered(wrapper, key)
        return self._keeper.read(wrapper.parameterNode, key, lambda value: self.__set__(wrapper, value))

    def _remembered(self, wrapper, key):
        """As in Slicer, a node is looked up anew only when the parameter node was modified: late, where a node is removed."""
        now = wrapper.parameterNode.GetMTime()
        then, node = wrapper._nodes.get(self.name, (None, None))
        if then != now:
            node = self._keeper.read(wrapper.parameterNode, key, None)
            wrapper._nodes[self.name] = (now, node)
        return node

    def __set__(self, wrapper, value):
        key = wrapper._prefix + self.name
        if self.pack:
            raise AttributeError(f"{self.name} is a pack: set its fields")
        for validator in self.validators:
            validator.validate(value)
        self._keeper.write(wrapper.parameterNode, key, value)

    def start(self, wrapper):
        if self.pack:
            self.type(wrapper.parameterNode, prefix=f"{wrapper._prefix}{self.name}.")
        elif not self._keeper.is_in(wrapper.parameterNode, wrapper._prefix + self.name):
            self.__set__(wrapper, self.default())
        if isinstance(self._keeper, NodeKept):
            self._remembered(wrapper, wrapper._prefix + self.name)


_NOTHING = object()


def _make(cls, marks):
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = {name: _Field(name, kind, vars(cls).get(name, _NOTHING)) for name, kind in hints.items()}
    members = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    members |= fields | {"_fields": fields, "_marks": marks}
    return type(cls.__name__, (_Wrapper, *(base for base in cls.__bases__ if base is not object)), members)


class _Wrapper:
    """What the decorated classes are made into."""

    _fields: typing.ClassVar[dict] = {}

    def __init__(self, parameterNode, prefix=""):
        object.__setattr__(self, "parameterNode", parameterNode)
        object.__setattr__(self, "_prefix", prefix)
        object.__setattr__(self, "_gui", {})
        object.__setattr__(self, "_nodes", {})
        if parameterNode is None:
            raise ValueError("a parameter node wrapper needs a node")
        for field in self._fields.values():
            field.start(self)

    def __setattr__(self, name, value):
        if name not in self._fields:
            raise AttributeError(f"{type(self).__name__} has no field {name}")
        object.__setattr__(self, name, value)

    def __getattr__(self, name):
        if name in _OF_THE_NODE:
            return getattr(self.parameterNode, name)
        raise AttributeError(f"{type(self).__name__} has no field {name}")

    def getValue(self, name):
        first, _, rest = name.partition(".")
        value = getattr(self, first)
        return value.getValue(rest) if rest else value

    def setValue(self, name, value):
        first, _, rest = name.partition(".")
        if rest:
            getattr(self, first).setValue(rest, value)
        else:
            setattr(self, first, value)

    def default(self, name):
        return Default(self._fields[name].default())

    def dataType(self, name):
        return self._fields[name].type

    # Widgets

    def connectGui(self, gui):
        """Keep widgets and fields equal: those whose dynamic property SlicerParameterName names a field."""
        names = {}
        for child in _widgets(gui):
            name = child.property(SlicerParameterNamePropertyName)
            if name:
                names[name] = child
        self.connectParametersToGui(names)

    def connectParametersToGui(self, mapping):
        tag = max(self._gui, default=0) + 1
        read_write = {name: reader_and_writer(widget) for name, widget in mapping.items()}

        def from_node(*_):
            for name, (read, write, _signal) in read_write.items():
                if read() != self.getValue(name):
                    write(self.getValue(name))

        connections = []
        for name, (read, _write, signal) in read_write.items():
            handler = _setter(self, name, read)
            mapping[name].connect(signal, handler)
            connections.append((mapping[name], signal, handler))
        observer = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, from_node)
        self._gui[tag] = (connections, observer)
        from_node()
        return tag

    def disconnectGui(self, tag):
        connections, observer = self._gui.pop(tag)
        for widget, signal, handler in connections:
            widget.disconnect(signal, handler)
        self.parameterNode.RemoveObserver(observer)


def _setter(wrapper, name, read):
    def handler():
        wrapper.setValue(name, read())

    return handler


def _widgets(gui):
    if hasattr(gui, "children"):
        todo = [gui]
        while todo:
            current = todo.pop()
            todo += current.children()
            yield current
    else:
        yield from vars(gui).values()


def parameterNodeWrapper(classtype=None):
    def make(cls):
        return _make(cls, "wrapper")

    return make(classtype) if classtype is not None else make


def parameterPack(classtype=None):
    def make(cls):
        return _make(cls, "pack")

    return make(classtype) if classtype is not None else make


def isParameterNodeWrapper(classOrObj):
    return getattr(classOrObj, "_marks", None) == "wrapper"


def isParameterPack(obj):
    return getattr(obj, "_marks", None) == "pack"


def findChildWidgetForParameter(widget, parameter):
    found = (child for child in _widgets(widget) if child.property(SlicerParameterNamePropertyName) == parameter)
    child = next(found, None)
    if child is None:
        raise ValueError(f"no widget is named for the parameter {parameter}")
    return child
