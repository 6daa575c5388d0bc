"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.library.agreement import LibraryAgreementJob
from MSSoftSegLib.jobs.documents.library.export import LibraryExportJob
from MSSoftSegLib.jobs.documents.library.open import LibraryOpenJob
from MSSoftSegLib.jobs.documents.library.save import LibrarySaveJob
from MSSoftSegLib.jobs.documents.library.settings import LibrarySettingsJob
from MSSoftSegLib.jobs.documents.library.worklist import LibraryWorklistJob

RUNNERS = {
    LibraryAgreementJob: "agreement.run_library_agreement",
    LibraryExportJob: "export.run_library_export",
    LibraryOpenJob: "open.run_library_open",
    LibrarySaveJob: "save.run_library_save",
    LibrarySettingsJob: "settings.run_library_settings",
    LibraryWorklistJob: "worklist.run_library_worklist",
}
