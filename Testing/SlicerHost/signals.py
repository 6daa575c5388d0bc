"""Signals by signature, as PythonQt connects them.

`widget.connect("clicked(bool)", f)` answers False, and logs, for a signal that does not exist. A function gets
only as many arguments as it takes. What a slot raises is printed and kept in `SLOT_ERRORS`, so that a test can
insist that there was none: Slicer prints it and goes on.
"""

from __future__ import annotations

import inspect
import logging
import traceback

from PySide6 import QtCore

from . import api

SLOT_ERRORS: list[BaseException] = []
logger = logging.getLogger(__name__)


def signatures_of(inner) -> tuple[str, ...]:
    qt_class = getattr(type(inner), "_api_class", type(inner))
    if qt_class.__name__ in api.classes():
        return api.signal_signatures(qt_class.__name__)
    return api.qt_signals(qt_class)


def normalized(signature: str) -> str:
    return bytes(QtCore.QMetaObject.normalizedSignature(signature).data()).decode()


def accepted_arguments(function, offered: int) -> int:
    """How many of the signal's arguments a function gets: plain functions and bound methods as many as they take."""
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        return offered
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind == parameter.VAR_POSITIONAL for parameter in parameters):
        return offered
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return min(offered, sum(parameter.kind in positional for parameter in parameters))


def _argument_count(signature: str) -> int:
    arguments = signature[signature.index("(") + 1 : -1]
    return len(arguments.split(",")) if arguments else 0


def receiver(function, count: int):
    """What Qt calls: the function with its share of the arguments, its failure printed and kept."""
    from .pythonqt import wrap

    def deliver(*args):
        guarded(function, *(wrap(argument) for argument in args[:count]))

    return deliver


def guarded(function, *args):
    """Call what Qt calls back; a failure is printed and kept. An exception that reaches PySide6 may end the process."""
    try:
        return function(*args)
    except Exception as error:
        SLOT_ERRORS.append(error)
        logger.error("a slot failed: %s", "".join(traceback.format_exception(error)))
        return None


def _qt_connect(inner, signature, target):
    """Connect on Qt's side; the connection can be undone with what this returns."""
    if type(inner).staticMetaObject.indexOfSignal(signature) >= 0:
        return inner.connect(inner, "2" + signature, target)
    return getattr(inner, signature.split("(")[0]).connect(target)


def connect(sender, signal: str, function, *slot) -> bool:
    """Connect by signature; False where there is no such signal."""
    inner, signature = sender._inner, normalized(signal)
    if signature not in signatures_of(inner):
        logger.warning("%s has no signal %s: not connected", type(inner).__name__, signature)
        return False
    if not hasattr(inner, signature.split("(")[0]):
        raise NotImplementedError(f"the stand-in of {type(inner).__name__} does not send {signature}")
    if slot:
        function = getattr(function, slot[0].split("(")[0])
    if not callable(function):
        raise TypeError(f"{function!r} cannot be called, so it cannot be connected to {signature}")
    count = accepted_arguments(function, _argument_count(signature))
    target = receiver(function, count)
    sender._connections.append((signature, function, target, _qt_connect(inner, signature, target)))
    return True


def disconnect(sender, signal: str, function=None, *slot) -> bool:
    """Undo `connect`; without a function, all of the signal's. False where nothing was connected."""
    if slot:
        function = getattr(function, slot[0].split("(")[0])
    signature = normalized(signal)
    found = [c for c in sender._connections if c[0] == signature and (function is None or c[1] == function)]
    for connection in found:
        sender._connections.remove(connection)
        QtCore.QObject.disconnect(connection[3])
    return bool(found)


class SignalOfObject:
    """`widget.clicked`: its first overload can be connected, disconnected, or emitted by calling it."""

    def __init__(self, sender, name: str):
        self._sender, self._name = sender, name
        self._signature = next(s for s in signatures_of(sender._inner) if s.split("(")[0] == name)

    def connect(self, function):
        if not connect(self._sender, self._signature, function):
            raise ValueError(f"cannot connect {self._signature}")
        return True

    def disconnect(self, function=None):
        return disconnect(self._sender, self._signature, function)

    def __call__(self, *args):
        from .pythonqt import unwrap

        getattr(self._sender._inner, self._name).emit(*(unwrap(argument) for argument in args))
