"""The fields for spinal cord and optic nerve, and what is counted with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from slicer.i18n import tr as _

from MSSoftSegGUI.review.dissemination import say_dissemination
from MSSoftSegGUI.review.lesion_rows import LesionRow
from MSSoftSegGUI.widgets.panel import fillCombo
from MSSoftSegLib.region.choices import Entered

# The fields of the panel, by the place as the command names it.
FIELDS = {"spinal_cord": "spinalCord", "optic_nerve": "opticNerve"}


class DisseminationFields:
    """The two fields and the lines below them. onEntered(field, word): the reader said it."""

    def __init__(self, ui, *, onEntered: Callable[[str, str], None]) -> None:
        self._ui = ui
        words = (
            (Entered.NOT_ENTERED.value, _("not entered")),
            (Entered.AFFECTED.value, _("affected")),
            (Entered.NOT_AFFECTED.value, _("not affected")),
        )
        for field in FIELDS.values():
            combo = getattr(ui, f"{field}Combo")
            fillCombo(combo, words, Entered.NOT_ENTERED.value)
            combo.connect(
                "currentIndexChanged(int)",
                lambda _index, combo=combo, field=field: onEntered(field, combo.currentData),
            )
        self.show((), None)

    def show(self, rows: Iterable[LesionRow], exam) -> None:
        """Of these lesions, and what this exam's reader entered; exam: None for none."""
        entered = {}
        for place, field in FIELDS.items():
            word = getattr(exam, field) if exam is not None else ""
            # A scene may say what this version does not know.
            entered[place] = Entered(word) if word in set(Entered) else Entered.NOT_ENTERED
            combo = getattr(self._ui, f"{field}Combo")
            wasBlocked = combo.blockSignals(True)
            combo.currentIndex = max(0, combo.findData(entered[place].value))
            combo.blockSignals(wasBlocked)
        text = say_dissemination(rows, entered)
        self._ui.disseminationLabel.text = text
        for name in ("disseminationLabel", *(f"{f}{part}" for f in FIELDS.values() for part in ("Label", "Combo"))):
            getattr(self._ui, name).visible = bool(text)
