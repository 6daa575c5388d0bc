"""How the fields of a parameter node are kept in a MRML node, by type; what has no rule here is refused."""

from __future__ import annotations

import enum
import json
import pathlib
import types
import typing
from collections import UserDict, UserList
from dataclasses import dataclass

import slicer


class Validator:
    def validate(self, value):
        raise NotImplementedError


class NotNone(Validator):
    def validate(self, value):
        if value is None:
            raise ValueError("must not be None")


class IsInstance(Validator):
    def __init__(self, classtype):
        self.classtype = classtype

    def validate(self, value):
        if not isinstance(value, self.classtype):
            raise ValueError(f"{value!r} is no {self.classtype}")


class WithinRange(Validator):
    def __init__(self, minimum, maximum):
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value):
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value!r} is not within {self.minimum} to {self.maximum}")


class Minimum(Validator):
    def __init__(self, minimum):
        self.minimum = minimum

    def validate(self, value):
        if value < self.minimum:
            raise ValueError(f"{value!r} is below {self.minimum}")


class Maximum(Validator):
    def __init__(self, maximum):
        self.maximum = maximum

    def validate(self, value):
        if value > self.maximum:
            raise ValueError(f"{value!r} is above {self.maximum}")


class Choice(Validator):
    def __init__(self, choices):
        self.choices = choices

    def validate(self, value):
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")


class Exclude(Validator):
    def __init__(self, excludedValues):
        self.excludedValues = excludedValues

    def validate(self, value):
        if value in self.excludedValues:
            raise ValueError(f"{value!r} is excluded")


class Default:
    def __init__(self, value=None, *, generator=None):
        self._value, self._generator = value, generator

    @property
    def value(self):
        return self._generator() if self._generator is not None else self._value


@dataclass(frozen=True)
class Decimals:
    value: int


@dataclass(frozen=True)
class SingleStep:
    value: float


@dataclass(frozen=True)
class Label:
    label: str


def is_node_type(kind) -> bool:
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def options_of(kind) -> tuple:
    """The members of a union; a type alone is a union of itself."""
    return typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)


class NodeKept:
    """A node is a reference, which follows it through saving and renaming."""

    default = None

    def __init__(self, kinds):
        self._kinds = kinds

    def is_in(self, node, name):
        # A node that is not referenced is None, which is the default too.
        return True

    def write(self, node, name, value):
        if isinstance(value, str):
            value = slicer.mrmlScene.GetNodeByID(value)
        if value is not None and not isinstance(value, self._kinds):
            raise TypeError(f"{name} is a {'/'.join(k.__name__ for k in self._kinds)}, not {type(value).__name__}")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node, name, changed):
        found = node.GetNodeReference(name)
        return found if isinstance(found, self._kinds) else None


class TextKept:
    """Numbers, texts, choices and paths are parameters of the node."""

    def __init__(self, kind):
        self._kind = kind
        self.default = (
            next(iter(kind))
            if issubclass(kind, enum.Enum)
            else (kind() if kind in (int, float, str, bool) else kind("."))
        )

    def is_in(self, node, name):
        return node.GetParameter(name) != "" or name in node.GetParameterNames()

    def write(self, node, name, value):
        kind = self._kind
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise TypeError(f"{name} is a {kind.__name__}, not {type(value).__name__}: {value!r}")
        node.SetParameter(name, value.name if isinstance(value, enum.Enum) else str(value))

    def read(self, node, name, changed):
        text = node.GetParameter(name)
        if self._kind is bool:
            return text == "True"
        return self._kind[text] if issubclass(self._kind, enum.Enum) else self._kind(text)


class ContainerKept:
    """Lists, tuples and dicts of plain values: JSON in a parameter; changes in place are written back."""

    def __init__(self, kind):
        self._kind = typing.get_origin(kind) or kind
        if any(is_node_type(part) for argument in typing.get_args(kind) for part in options_of(argument)):
            raise TypeError("nodes in containers are not imitated: give each node a field of its own")
        self.default = self._kind()

    def is_in(self, node, name):
        return name in node.GetParameterNames()

    def write(self, node, name, value):
        value = value.data if isinstance(value, UserList | UserDict) else value
        if not isinstance(value, self._kind):
            raise TypeError(f"{name} is a {self._kind.__name__}, not {type(value).__name__}")
        node.SetParameter(name, json.dumps(value))

    def read(self, node, name, changed):
        value = self._kind(json.loads(node.GetParameter(name)))
        if self._kind is tuple:
            return value
        return (_ObservedList if self._kind is list else _ObservedDict)(value, changed)


def keeper(kind):
    """How a field of that type is kept."""
    options = options_of(kind)
    nodes = tuple(option for option in options if is_node_type(option))
    if nodes and all(is_node_type(option) or option is type(None) for option in options):
        return NodeKept(nodes)
    if isinstance(kind, type) and issubclass(kind, enum.Enum | pathlib.PurePath | int | float | str):
        return TextKept(kind)
    if (typing.get_origin(kind) or kind) in (list, tuple, dict):
        return ContainerKept(kind)
    raise TypeError(f"fields of type {kind} are not imitated")


def _writing(name):
    def method(self, *args, **kwargs):
        result = getattr(super(type(self), self), name)(*args, **kwargs)
        self._changed(self.data)
        return result

    return method


class _Observed:
    def __init__(self, value, changed):
        self._changed = lambda _: None
        super().__init__(value)
        self._changed = changed


_LIST_CHANGES = (
    "append",
    "extend",
    "insert",
    "remove",
    "pop",
    "clear",
    "sort",
    "reverse",
    "__setitem__",
    "__delitem__",
    "__iadd__",
)
_ObservedList = type("ObservedList", (_Observed, UserList), {name: _writing(name) for name in _LIST_CHANGES})
_ObservedDict = type(
    "ObservedDict", (_Observed, UserDict), {name: _writing(name) for name in ("__setitem__", "__delitem__")}
)
