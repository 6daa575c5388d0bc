"""Step 6: the exam is kept in a case library, under a pseudonym, by a rater who said who she is."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer

from MSSoftSegGUI.widgets.panel import Panel, showMessage

LIBRARY_SETTING, RATER_SETTING, KNOWN_SETTING = "MSSoftSeg/Library", "MSSoftSeg/Rater", "MSSoftSeg/KnownLibrary"
CONFIRMED_STYLE = "font-weight: bold;"


def isKnownLibrary(library: str) -> bool:
    """Whether this folder was a library when it was last looked at: if it is empty now, a share has vanished."""
    return bool(library) and slicer.util.settingsValue(KNOWN_SETTING, "") == library


def rememberLibrary(library: str) -> None:
    """This folder is a library."""
    slicer.app.settings().setValue(KNOWN_SETTING, library)


class LibraryPanel(Panel):
    """Library, rater, pseudonym, notes and the two buttons that save. onLibrary and so on: what is done with it."""

    def __init__(
        self,
        uiPath: str,
        *,
        onLibrary: Callable[[str], None],
        onDraw: Callable[[], None],
        onTyped: Callable[[], None],
        onApprove: Callable[[], None],
    ) -> None:
        super().__init__(uiPath)
        self.setIcons({"approveButton": "Accept"})
        self._presenter = None
        self._onLibrary, self._onTyped = onLibrary, onTyped
        self._details = ""
        ui = self.ui
        ui.libraryEdit.connect("currentPathChanged(QString)", self.onLibraryChanged)
        ui.raterEdit.connect("textEdited(QString)", self.onRaterEdited)
        ui.raterEdit.connect("returnPressed()", self.onRaterConfirmed)
        ui.raterButton.connect("clicked(bool)", self.onRaterConfirmed)
        ui.patientEdit.connect("textEdited(QString)", self.onCaseEdited)
        ui.sessionEdit.connect("textEdited(QString)", self.onCaseEdited)
        ui.notesEdit.connect("textChanged()", self.onNotesChanged)
        ui.drawButton.connect("clicked(bool)", lambda _checked=False: onDraw())
        ui.saveCorrectedButton.connect("clicked(bool)", lambda _checked=False: self._presenter.save("corrected"))
        ui.approveButton.connect("clicked(bool)", lambda _checked=False: onApprove())
        ui.libraryDetailsButton.connect("clicked(bool)", self.onCopyDetailsClicked)

    def setPresenter(self, presenter) -> None:
        """Whom to ask; it in turn shows its views here."""
        self._presenter = presenter
        presenter.propose_rater(slicer.util.settingsValue(RATER_SETTING, ""))
        self.show(presenter.view)

    def chooseLibrary(self, path: str) -> None:
        """Set the folder, as the settings say."""
        with self.updating():
            self.ui.libraryEdit.currentPath = path

    def show(self, view) -> None:
        """Make the widgets say what the presenter's view says."""
        ui = self.ui
        with self.updating():
            self._write(ui.raterEdit, view.rater)
            self._write(ui.patientEdit, view.patient)
            self._write(ui.sessionEdit, view.session)
            if ui.notesEdit.plainText != view.notes:
                ui.notesEdit.plainText = view.notes
            ui.raterEdit.styleSheet = CONFIRMED_STYLE if view.is_rater_confirmed else ""
            ui.raterButton.visible = not view.is_rater_confirmed
            ui.raterButton.enabled = bool(view.rater)
            showMessage(ui.raterHint, view.rater_hint, "warning" if view.rater else "note")
            showMessage(ui.caseHint, view.case_hint, view.case_hint_kind)
            for name in ("patientEdit", "sessionEdit", "notesEdit", "libraryEdit", "raterEdit"):
                getattr(ui, name).enabled = not view.is_saving
            ui.saveCorrectedButton.enabled = ui.approveButton.enabled = view.can_save
            showMessage(ui.libraryMessage, view.message, view.message_kind)
            self._details = view.details
            ui.libraryDetailsButton.visible = bool(view.details) and view.message_kind == "error"

    def setDrawEnabled(self, enabled: bool) -> None:
        """Whether there is a FLAIR image on which nothing is drawn yet."""
        self.ui.drawButton.enabled = enabled

    def ask(self, question: str) -> None:
        """A question that another click on the same button answers."""
        showMessage(self.ui.libraryMessage, question, "warning")

    def sayLibrary(self, text: str) -> None:
        """Say what the library holds."""
        showMessage(self.ui.librarySummary, text)

    def onLibraryChanged(self, path: str) -> None:
        if not self.isUpdating:
            slicer.app.settings().setValue(LIBRARY_SETTING, path.strip())
            self._onLibrary(path.strip())

    def onRaterEdited(self, text: str) -> None:
        self._presenter.type_rater(text)

    def onRaterConfirmed(self, _checked=False) -> None:
        self._presenter.confirm_rater()
        if self._presenter.rater:
            slicer.app.settings().setValue(RATER_SETTING, self._presenter.rater)

    def onCaseEdited(self, _text: str) -> None:
        self._presenter.type_case(patient=self.ui.patientEdit.text, session=self.ui.sessionEdit.text)
        self._onTyped()

    def onNotesChanged(self) -> None:
        if not self.isUpdating:
            self._presenter.type_notes(self.ui.notesEdit.plainText)
            self._onTyped()

    def onCopyDetailsClicked(self) -> None:
        qt.QApplication.clipboard().setText(self._details)

    def _write(self, edit, text: str) -> None:
        # What is being typed keeps its spaces and its cursor.
        if edit.text.strip() != text:
            edit.text = text
