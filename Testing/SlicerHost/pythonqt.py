"""PythonQt's habits on top of PySide6: how a scripted module in Slicer sees Qt objects.

`wrap(object)` gives what Python code in Slicer would hold. Properties are attributes and win over methods of
the same name; unknown names raise AttributeError when read and when assigned; methods take no keyword arguments;
enum values are attributes; a child can be read by its object name. What a stand-in may offer is decided by the
API table, never by what happens to be written in it.
"""

from __future__ import annotations

import functools

import shiboken6
from PySide6 import QtCore

from . import api
from .signals import SignalOfObject, connect, disconnect, guarded, receiver

_WRAPPERS: dict[type, type] = {}
_RESERVED = {"_inner", "_connections"}
# PySide6 has these on every object; PythonQt has its own (connect, disconnect) or none.
_PYSIDE_ONLY = {"emit", "receivers", "sender", "staticMetaObject", "isSignalConnected", "connectNotify"}


def unwrap(value):
    """What PySide6 wants, of what a module passes."""
    if isinstance(value, Wrapped):
        return value._inner
    if isinstance(value, WrapperType):
        return value._qt_class
    if isinstance(value, list | tuple):
        return type(value)(unwrap(item) for item in value)
    return value


def wrap(value):
    """What a module sees, of what PySide6 gave."""
    if isinstance(value, QtCore.QObject):
        known = getattr(value, "_wrapped", None)
        return known if known is not None else wrapper_class(type(value))._around(value)
    if isinstance(value, list) and any(isinstance(item, QtCore.QObject) for item in value):
        return [wrap(item) for item in value]
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(wrap(item) for item in value)
    return value


def wrapper_class(qt_class: type) -> type:
    """The class that Python code in Slicer would see for one of PySide6's or the host's."""
    if qt_class not in _WRAPPERS:
        base = next((b for b in qt_class.__bases__ if issubclass(b, QtCore.QObject)), None)
        bases = (wrapper_class(base),) if base is not None else (Wrapped,)
        _WRAPPERS[qt_class] = WrapperType(qt_class.__name__, bases, {"_qt_class": qt_class, "__module__": "qt"})
    return _WRAPPERS[qt_class]


@functools.cache
def kinds_of(qt_class: type, name: str) -> frozenset[str]:
    """How Python sees the name on objects of the class: by the table for stand-ins, by Qt itself for Qt's own."""
    qt_class = getattr(qt_class, "_api_class", qt_class)
    if qt_class.__name__ in api.classes():
        return api.kinds(qt_class.__name__, name)
    return api.qt_kinds(qt_class, name)


class Method:
    """A slot or invokable: positional arguments only, wrapped at the border."""

    def __init__(self, function, name: str):
        self._function, self.__name__ = function, name

    def __call__(self, *args, **kwargs):
        if kwargs:
            raise TypeError(f"{self.__name__}() takes no keyword arguments: Slicer's Qt methods are positional only")
        if self.__name__ == "singleShot":
            args = (*args[:-1], receiver(args[-1], 0))
        result = wrap(self._function(*(unwrap(argument) for argument in args)))
        # In PythonQt the file dialogs answer with the name alone, not with the filter chosen.
        if self.__name__ in {"getOpenFileName", "getSaveFileName", "getOpenFileNames"}:
            return result[0]
        return result


class WrapperType(type):
    """Class of the wrappers: enum values and static methods are attributes of the class."""

    def __new__(mcs, name, bases, namespace):
        python_derived = "_qt_class" not in namespace and bool(bases)
        made = super().__new__(mcs, name, bases, namespace)
        made._python_derived = python_derived
        if python_derived:
            made._qt_class = _with_overrides(made, bases[0]._qt_class)
        return made

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        qt_class = type.__getattribute__(cls, "_qt_class")
        value = api.enum_value(getattr(qt_class, "_api_class", qt_class).__name__, name)
        if value is not None:
            return value
        if not kinds_of(qt_class, name):
            raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")
        value = getattr(qt_class, name)
        return Method(value, name) if callable(value) and not isinstance(value, type) else value


def _with_overrides(python_class, qt_class):
    """A PySide6 class whose virtual functions call those that the Python class defines."""
    names = [n for n in vars(python_class) if not n.startswith("_") and callable(getattr(qt_class, n, None))]

    def forward(name):
        def virtual(self, *args):
            function = getattr(type(self._wrapped), name)
            answer = guarded(function, self._wrapped, *(wrap(argument) for argument in args))
            # A filter that failed has not dealt with the event.
            return False if answer is None and name in {"event", "eventFilter"} else unwrap(answer)

        return virtual

    members = {name: forward(name) for name in names}
    members["_api_class"] = getattr(qt_class, "_api_class", qt_class)
    return type(python_class.__name__, (qt_class,), members)


class Wrapped(metaclass=WrapperType):
    """What Python code in Slicer holds of a Qt object."""

    _qt_class: type = QtCore.QObject

    def __init__(self, *args, **kwargs):
        if kwargs:
            raise TypeError(f"{type(self).__name__}() takes no keyword arguments in PythonQt")
        api_class = getattr(type(self)._qt_class, "_api_class", type(self)._qt_class)
        if api_class.__name__ in api.classes():
            _refuse_construction(api_class.__name__, args)
        self._adopt(type(self)._qt_class(*(unwrap(argument) for argument in args)))

    @classmethod
    def _around(cls, inner):
        made = cls.__new__(cls)
        made._adopt(inner)
        return made

    def _adopt(self, inner):
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "_connections", [])
        # The module's Python attributes live as long as the Qt object does.
        inner._wrapped = self

    def __getattr__(self, name):
        inner = self.__dict__.get("_inner")
        if inner is None or name.startswith("__"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        if not shiboken6.isValid(inner):
            raise ValueError(f"the C++ object of this {type(self).__name__} was deleted ('{name}' read)")
        return read(inner, name)

    def __setattr__(self, name, value):
        inner = self.__dict__.get("_inner")
        if name in _RESERVED or inner is None:
            object.__setattr__(self, name, value)
            return
        kinds = kinds_of(type(inner), name)
        if "properties" in kinds:
            write_property(inner, name, unwrap(value))
        elif name == "name":
            inner.setObjectName(value)
        elif name.encode() in [bytes(known.data()) for known in inner.dynamicPropertyNames()]:
            inner.setProperty(name, unwrap(value))
        elif type(self)._python_derived:
            object.__setattr__(self, name, value)
        elif kinds:
            raise AttributeError(
                f"'{name}' of {type(inner).staticMetaObject.className()} is a method and cannot be assigned"
            )
        else:
            raise AttributeError(f"'{name}' is not a property of {type(self).__name__} and cannot be assigned")

    def __dir__(self):
        return [name for name in dir(self._inner) if not name.startswith("_") and kinds_of(type(self._inner), name)]

    def __repr__(self):
        return f"{type(self).__name__} (at: {id(self._inner):#x}, name: {self._inner.objectName()!r})"

    def connect(self, signal, function, *slot):
        return connect(self, signal, function, *slot)

    def disconnect(self, signal, function=None, *slot):
        return disconnect(self, signal, function, *slot)

    def className(self):
        return getattr(type(self._inner), "_api_class", type(self._inner)).__name__

    def inherits(self, name):
        return name in api.lineage(self.className()) or self._inner.inherits(name)

    def delete(self):
        shiboken6.delete(self._inner)

    def findChild(self, kind, name=""):
        return next(iter(self.findChildren(kind, name)), None)

    def findChildren(self, kind, name=""):
        matches = (
            child for child in self._inner.findChildren(QtCore.QObject) if not name or child.objectName() == name
        )
        if isinstance(kind, str):
            return [wrap(child) for child in matches if wrap(child).inherits(kind)]
        return [wrap(child) for child in matches if isinstance(child, unwrap(kind))]


def _refuse_construction(name, args):
    constructor = api.classes()[name].get("constructor")
    if constructor is None:
        raise ValueError(f"Python cannot construct a {name}")
    if len(args) > 1 or (args and isinstance(args[0], str | int | float)):
        raise ValueError(f"{name}{constructor} is how Python makes one, not with {args!r}")


def read(inner, name):
    """An attribute of a Qt object, as PythonQt looks it up."""
    wanted = name.rstrip("_") if name != "_" and not name.startswith("_") else name
    kinds = kinds_of(type(inner), wanted) if wanted not in _PYSIDE_ONLY else frozenset()
    if "properties" in kinds:
        return wrap(read_property(inner, wanted))
    if "signals" in kinds:
        return SignalOfObject(wrap(inner), wanted)
    if "enums" in kinds:
        return getattr(wrapper_class(type(inner)), wanted)
    if kinds:
        if not hasattr(inner, wanted):
            raise NotImplementedError(
                f"{type(inner).__name__}.{wanted} exists in Slicer but its stand-in does not imitate it"
            )
        value = getattr(inner, wanted)
        return Method(value, wanted) if callable(value) and not isinstance(value, type) else value
    if name == "name":
        return inner.objectName()
    if name in [bytes(known.data()).decode() for known in inner.dynamicPropertyNames()]:
        return inner.property(name)
    child = next((c for c in inner.children() if c.objectName() == name), None)
    if child is not None:
        return wrap(child)
    raise AttributeError(f"{type(inner).__name__} has no attribute named '{name}' in Slicer")


def read_property(inner, name):
    if isinstance(getattr(type(inner), name, None), QtCore.Property):
        return getattr(inner, name)
    if type(inner).staticMetaObject.indexOfProperty(name) < 0:
        raise NotImplementedError(f"the stand-in of {type(inner).__name__} does not imitate the property {name}")
    for getter in (name, f"is{name[0].upper()}{name[1:]}"):
        function = getattr(inner, getter, None)
        if callable(function):
            return function()
    return inner.property(name)


def write_property(inner, name, value):
    qt_class = getattr(type(inner), "_api_class", type(inner))
    if not api.property_is_writable(qt_class.__name__, name):
        raise AttributeError(f"the property {name} of {qt_class.__name__} cannot be assigned")
    accepted = {
        "double": (int, float),
        "int": (int,),
        "bool": (bool, int),
        "QString": (str,),
        "QStringList": (list, tuple),
    }
    kind = api.property_type(qt_class.__name__, name)
    if kind in accepted and not isinstance(value, accepted[kind]):
        raise AttributeError(f"the property {name} of {qt_class.__name__} is a {kind}, not {type(value).__name__}")
    if isinstance(getattr(type(inner), name, None), QtCore.Property):
        setattr(inner, name, value)
    elif type(inner).staticMetaObject.indexOfProperty(name) < 0:
        raise NotImplementedError(f"the stand-in of {qt_class.__name__} does not imitate the property {name}")
    elif callable(setter := getattr(inner, f"set{name[0].upper()}{name[1:]}", None)):
        setter(value)
    else:
        inner.setProperty(name, value)
