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


def readEntered(exam) -> dict[str, Entered]:
    """What an exam's reader entered, by place; exam: None for none."""
    words = {place: getattr(exam, field) if exam is not None else "" for place, field in FIELDS.items()}
    # A scene may say what this version does not know.
    return {place: Entered(word) if word in set(Entered) else Entered.NOT_ENTERED for place, word in words.items()}


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
        entered = readEntered(exam)
        for place, field in FIELDS.items():
            combo = getattr(self._ui, f"{field}Combo")
            wasBlocked = combo.blockSignals(True)
            combo.currentIndex = max(0, combo.findData(entered[place].value))
            combo.blockSignals(wasBlocked)
        text = say_dissemination(rows, entered)
        self._ui.disseminationLabel.text = text
        for name in ("disseminationLabel", *(f"{f}{part}" for f in FIELDS.values() for part in ("Label", "Combo"))):
            getattr(self._ui, name).visible = bool(text)
