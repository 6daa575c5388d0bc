"""CTK's numbers: sliders with and without a spin box, and ranges."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from .base import stored

STEPS = 1000


class ctkDoubleSlider(QtWidgets.QWidget):
    """A slider of real numbers."""

    valueChanged = QtCore.Signal(float)
    sliderMoved = QtCore.Signal(float)
    sliderPressed = QtCore.Signal()
    sliderReleased = QtCore.Signal()
    rangeChanged = QtCore.Signal(float, float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._value = 0.0
        self._slider = QtWidgets.QSlider(QtCore.Qt.Horizontal, self)
        self._slider.setRange(0, STEPS)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        self._slider.valueChanged.connect(self._slider_changed)
        self._slider.sliderMoved.connect(lambda position: self.sliderMoved.emit(self._at(position)))
        self._slider.sliderPressed.connect(self.sliderPressed)
        self._slider.sliderReleased.connect(self.sliderReleased)

    def _at(self, position):
        return self.minimum + (self.maximum - self.minimum) * position / STEPS

    def _slider_changed(self, position):
        self._value = self._at(position)
        self.valueChanged.emit(self._value)

    def _range_changed(self):
        self.rangeChanged.emit(self.minimum, self.maximum)
        self.setValue(self._value)

    minimum = stored(float, "minimum", 0.0, "_range_changed")
    maximum = stored(float, "maximum", 99.0, "_range_changed")
    singleStep = stored(float, "singleStep", 1.0)
    pageStep = stored(float, "pageStep", 10.0)
    tracking = stored(bool, "tracking", True)

    def _get_value(self):
        return self._value

    def setValue(self, value):
        value = min(max(float(value), self.minimum), self.maximum)
        with QtCore.QSignalBlocker(self._slider):
            self._slider.setValue(round((value - self.minimum) / max(self.maximum - self.minimum, 1e-12) * STEPS))
        if value != self._value:
            self._value = value
            self.valueChanged.emit(value)

    value = QtCore.Property(float, _get_value, setValue)


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider and a spin box of the same real number."""

    valueChanged = QtCore.Signal(float)
    valueIsChanging = QtCore.Signal(float)
    decimalsChanged = QtCore.Signal(int)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._value, self._dragging = 0.0, False
        self._slider = QtWidgets.QSlider(QtCore.Qt.Horizontal, self)
        self._slider.setRange(0, STEPS)
        self._spin_box = QtWidgets.QDoubleSpinBox(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider, 1)
        layout.addWidget(self._spin_box)
        self._slider.sliderPressed.connect(self._pressed)
        self._slider.sliderReleased.connect(self._released)
        self._slider.valueChanged.connect(self._slider_changed)
        self._spin_box.valueChanged.connect(lambda value: self.setValue(value))
        self._settings_changed()

    def _settings_changed(self):
        with QtCore.QSignalBlocker(self._spin_box):
            self._spin_box.setDecimals(self.decimals)
            self._spin_box.setRange(self.minimum, self.maximum)
            self._spin_box.setSingleStep(self.singleStep)
            self._spin_box.setPrefix(self.prefix)
            self._spin_box.setSuffix(self.suffix)
        self._spin_box.setVisible(self.spinBoxVisible)
        span = max(self.maximum - self.minimum, 1e-12)
        self._slider.setSingleStep(max(1, round(self.singleStep / span * STEPS)))
        self._slider.setPageStep(max(1, round(self.pageStep / span * STEPS)))
        self.setValue(self._value)
        self._show()

    def _decimals_changed(self):
        self._settings_changed()
        self.decimalsChanged.emit(self.decimals)

    decimals = stored(int, "decimals", 2, "_decimals_changed")
    singleStep = stored(float, "singleStep", 1.0, "_settings_changed")
    pageStep = stored(float, "pageStep", 10.0, "_settings_changed")
    minimum = stored(float, "minimum", 0.0, "_settings_changed")
    maximum = stored(float, "maximum", 99.0, "_settings_changed")
    prefix = stored(str, "prefix", "", "_settings_changed")
    suffix = stored(str, "suffix", "", "_settings_changed")
    spinBoxVisible = stored(bool, "spinBoxVisible", True, "_settings_changed")
    tracking = stored(bool, "tracking", True)
    tickInterval = stored(float, "tickInterval", 0.0)

    def setDecimals(self, decimals):
        self.decimals = decimals

    def setSpinBoxVisible(self, visible):
        self.spinBoxVisible = visible

    def reset(self):
        self.setValue(self.minimum)

    def _show(self):
        span = max(self.maximum - self.minimum, 1e-12)
        with QtCore.QSignalBlocker(self._slider), QtCore.QSignalBlocker(self._spin_box):
            self._spin_box.setValue(self._value)
            if not self._dragging:
                self._slider.setValue(round((self._value - self.minimum) / span * STEPS))

    def _pressed(self):
        self._dragging, self._before_drag = True, self._value

    def _released(self):
        self._dragging = False
        self._show()
        if not self.tracking and self._value != self._before_drag:
            self.valueChanged.emit(self._value)

    def _slider_changed(self, position):
        self.setValue(self.minimum + (self.maximum - self.minimum) * position / STEPS)

    def _get_value(self):
        return self._value

    def setValue(self, value):
        value = round(min(max(float(value), self.minimum), self.maximum), self.decimals)
        changed = value != self._value
        self._value = value
        self._show()
        if not changed:
            return
        # As CTK does: valueIsChanging only without tracking, valueChanged whenever nothing is being dragged.
        if not self.tracking:
            self.valueIsChanging.emit(value)
        if self.tracking or not self._dragging:
            self.valueChanged.emit(value)

    value = QtCore.Property(float, _get_value, setValue)


class ctkRangeWidget(QtWidgets.QWidget):
    """Two real numbers, the first not above the second."""

    minimumValueChanged = QtCore.Signal(float)
    maximumValueChanged = QtCore.Signal(float)
    valuesChanged = QtCore.Signal(float, float)
    rangeChanged = QtCore.Signal(float, float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._values = (0.0, 99.0)
        self._low, self._high = QtWidgets.QDoubleSpinBox(self), QtWidgets.QDoubleSpinBox(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._low)
        layout.addWidget(self._high)
        self._low.valueChanged.connect(lambda value: self.setMinimumValue(value))
        self._high.valueChanged.connect(lambda value: self.setMaximumValue(value))
        self._settings_changed()

    def _settings_changed(self):
        for box in (self._low, self._high):
            with QtCore.QSignalBlocker(box):
                box.setDecimals(self.decimals)
                box.setRange(self.minimum, self.maximum)
                box.setSingleStep(self.singleStep)
        self.rangeChanged.emit(self.minimum, self.maximum)
        self.setValues(*self._values)

    decimals = stored(int, "decimals", 2, "_settings_changed")
    singleStep = stored(float, "singleStep", 1.0, "_settings_changed")
    minimum = stored(float, "minimum", 0.0, "_settings_changed")
    maximum = stored(float, "maximum", 99.0, "_settings_changed")

    def setRange(self, low, high):
        self.minimum, self.maximum = low, high

    def setValues(self, low, high):
        bounded = sorted(min(max(float(value), self.minimum), self.maximum) for value in (low, high))
        before, self._values = self._values, tuple(bounded)
        for box, value in zip((self._low, self._high), bounded, strict=True):
            with QtCore.QSignalBlocker(box):
                box.setValue(value)
        if before[0] != bounded[0]:
            self.minimumValueChanged.emit(bounded[0])
        if before[1] != bounded[1]:
            self.maximumValueChanged.emit(bounded[1])
        if before != tuple(bounded):
            self.valuesChanged.emit(*bounded)

    def setMinimumValue(self, value):
        self.setValues(value, max(value, self._values[1]))

    def setMaximumValue(self, value):
        self.setValues(min(value, self._values[0]), value)

    minimumValue = QtCore.Property(float, lambda self: self._values[0], setMinimumValue)
    maximumValue = QtCore.Property(float, lambda self: self._values[1], setMaximumValue)
