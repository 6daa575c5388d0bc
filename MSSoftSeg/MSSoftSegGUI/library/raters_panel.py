"""Two raters of the case on the table beside each other."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from MSSoftSegGUI.widgets.panel import Panel, fillCombo, showMessage


class RatersPanel(Panel):
    """Two choices, a button and the numbers."""

    def __init__(self, uiPath: str) -> None:
        super().__init__(uiPath)
        self.setIcons({"compareRatersButton": "Compare"})
        self._presenter = None
        self._raters: tuple[str, ...] = ()
        self._details = ""
        for name in ("first", "second"):
            getattr(self.ui, f"{name}RaterCombo").connect("currentIndexChanged(int)", self.onRaterChanged)
        self.ui.compareRatersButton.connect("toggled(bool)", self.onCompareToggled)
        self.ui.ratersDetailsButton.connect("clicked(bool)", self.onCopyDetailsClicked)

    def setPresenter(self, presenter) -> None:
        """Whom to ask; it in turn shows its views here."""
        self._presenter = presenter
        self.show(presenter.view)

    def show(self, view) -> None:
        """Make the widgets say what the presenter's view says."""
        ui = self.ui
        with self.updating():
            if view.raters != self._raters:
                self._raters = view.raters
                for name in ("first", "second"):
                    entries = [(rater, rater) for rater in view.raters]
                    fillCombo(getattr(ui, f"{name}RaterCombo"), entries, getattr(view, name))
            for name in ("first", "second"):
                combo = getattr(ui, f"{name}RaterCombo")
                combo.currentIndex = combo.findData(getattr(view, name))
                combo.enabled = len(view.raters) > 1
            ui.compareRatersButton.enabled = view.can_compare
            ui.compareRatersButton.checked = view.is_on
            if view.error is not None:
                showMessage(ui.agreementLabel, f"{view.error.what}\n{view.error.remedy}", "error")
            elif len(view.raters) < 2:
                showMessage(ui.agreementLabel, _("Open a case that two raters have drawn."))
            else:
                showMessage(ui.agreementLabel, _("Comparing…") if view.is_busy else view.text)
            self._details = view.error.details if view.error is not None else ""
            ui.ratersDetailsButton.visible = bool(self._details)

    def onRaterChanged(self, _index=None) -> None:
        if not self.isUpdating:
            self._presenter.choose(
                self.ui.firstRaterCombo.currentData or "", self.ui.secondRaterCombo.currentData or ""
            )

    def onCompareToggled(self, shown: bool) -> None:
        if not self.isUpdating:
            self._presenter.set_on(shown)

    def onCopyDetailsClicked(self) -> None:
        qt.QApplication.clipboard().setText(self._details)
