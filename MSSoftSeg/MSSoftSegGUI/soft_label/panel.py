"""Step 5: the soft label that training is aimed at, made of what was drawn, and looked at before it is used."""

from __future__ import annotations

from collections.abc import Callable

import qt
from slicer.i18n import tr as _

from MSSoftSegGUI.widgets.panel import Panel, fillCombo, showMessage
from MSSoftSegGUI.worker.soft_label_choices import NUMBERS, SoftChoices, list_methods, merge_entries

SLIDERS = {"gamma": "Gamma", "radius_mm": "Radius", "size_percent": "Size", "sigma_mm": "Sigma"}


class SoftLabelPanel(Panel):
    """Controls, numbers and buttons. presenter: see ``setPresenter``; onKeep, onDefault, onCompare: what the buttons do."""

    def __init__(
        self,
        uiPath: str,
        *,
        onKeep: Callable[[], None],
        onDefault: Callable[[], None],
        onCompare: Callable[[bool], None],
    ) -> None:
        super().__init__(uiPath)
        self.setIcons({"softCompareButton": "Compare"})
        self._presenter = None
        self._details = ""
        self._rowNames: tuple[str, ...] = ()
        ui = self.ui
        fillCombo(ui.softMergeCombo, merge_entries(), SoftChoices().merge)
        fillCombo(ui.softMethodCombo, list_methods(), SoftChoices().method)
        for name, slider in SLIDERS.items():
            self._slider(slider).value = getattr(SoftChoices(), name)
            self._slider(slider).connect("valueChanged(double)", self.onChoiceChanged)
        ui.softMergeCombo.connect("currentIndexChanged(int)", self.onChoiceChanged)
        ui.softMethodCombo.connect("currentIndexChanged(int)", self.onChoiceChanged)
        ui.softRatersList.connect("itemChanged(QListWidgetItem*)", self.onRatersChanged)
        ui.softPreviewButton.connect("toggled(bool)", self.onPreviewToggled)
        ui.softCompareButton.connect("toggled(bool)", lambda shown: None if self.isUpdating else onCompare(shown))
        ui.saveSoftLabelButton.connect("clicked(bool)", lambda _checked=False: onKeep())
        ui.softDefaultButton.connect("clicked(bool)", lambda _checked=False: onDefault())
        ui.softDetailsButton.connect("clicked(bool)", self.onCopyDetailsClicked)

    def setPresenter(self, presenter) -> None:
        """Whom to ask; it in turn shows its views here."""
        self._presenter = presenter
        self.show(presenter.view)

    def choices(self) -> SoftChoices:
        """What the controls say."""
        numbers = {name: float(self._slider(slider).value) for name, slider in SLIDERS.items()}
        return SoftChoices(self.ui.softMergeCombo.currentData, self.ui.softMethodCombo.currentData, **numbers)

    def show(self, view) -> None:
        """Make the widgets say what the presenter's view says."""
        ui = self.ui
        with self.updating():
            self._showRaters(view.raters)
            self._showChoices(view)
            ui.softPreviewButton.checked = view.is_on
            ui.softPreviewButton.text = _("Computing…") if view.is_busy else _("Preview")
            ui.softPreviewButton.enabled = view.has_case
            ui.softCompareButton.enabled = view.is_shown or ui.softCompareButton.checked
            ui.saveSoftLabelButton.enabled = view.is_shown
            if not view.has_case:
                text = _("Nothing is drawn yet: segment an exam, or draw by hand.")
            else:
                text = view.summary or _("Click Preview to see what training would be aimed at.")
            ui.softSummaryLabel.text = text
            if view.error is not None:
                showMessage(ui.softMessage, f"{view.error.what}\n{view.error.remedy}", "error")
            else:
                showMessage(ui.softMessage, view.warning, "warning")
            self._details = view.error.details if view.error is not None else ""
            ui.softDetailsButton.visible = bool(self._details)

    def showValue(self, text: str) -> None:
        """Say the value under the mouse."""
        self.ui.softValueLabel.text = text

    def setCompare(self, shown: bool) -> None:
        """Make the button say whether two views stand side by side."""
        with self.updating():
            self.ui.softCompareButton.checked = shown

    def showDefault(self, view) -> None:
        """Say what the library's default is."""
        self.ui.softDefaultButton.enabled = view.is_known
        showMessage(self.ui.softDefaultLabel, view.text, view.kind)

    def onChoiceChanged(self, _value=None) -> None:
        if not self.isUpdating and self._presenter is not None:
            self._presenter.change(self.choices())

    def onRatersChanged(self, _item=None) -> None:
        if self.isUpdating:
            return
        items = [self.ui.softRatersList.item(row) for row in range(len(self._rowNames))]
        ticked = [item.checkState() == qt.Qt.Checked for item in items]
        names = frozenset(name for name, each in zip(self._rowNames, ticked, strict=True) if each)
        # The list is written anew for the answer: not while it still speaks.
        qt.QTimer.singleShot(0, lambda: self._presenter.choose_raters(names))

    def onPreviewToggled(self, shown: bool) -> None:
        if not self.isUpdating:
            self._presenter.set_on(shown)

    def onCopyDetailsClicked(self) -> None:
        qt.QApplication.clipboard().setText(self._details)

    def _slider(self, name: str):
        return getattr(self.ui, f"soft{name}Slider")

    def _showRaters(self, raters) -> None:
        ui = self.ui
        ui.softRatersList.visible = ui.softRatersLabel.visible = len(raters) > 1
        self._rowNames = tuple(name for name, _title, _chosen in raters)
        ui.softRatersList.clear()
        for _name, title, chosen in raters:
            item = qt.QListWidgetItem(title)
            item.setCheckState(qt.Qt.Checked if chosen else qt.Qt.Unchecked)
            ui.softRatersList.addItem(item)

    def _showChoices(self, view) -> None:
        ui, choices = self.ui, view.choices
        ui.softMergeCombo.currentIndex = max(0, ui.softMergeCombo.findData(choices.merge))
        ui.softMethodCombo.currentIndex = max(0, ui.softMethodCombo.findData(choices.method))
        ui.softMergeCombo.visible = ui.softMergeLabel.visible = len(view.raters) > 1
        ui.softMergeCombo.enabled = "merge" in view.used
        ui.softMethodCombo.enabled = "method" in view.used
        for name in NUMBERS:
            slider = self._slider(SLIDERS[name])
            if abs(slider.value - getattr(choices, name)) > 1e-9:
                slider.value = getattr(choices, name)
            slider.enabled = name in view.used
