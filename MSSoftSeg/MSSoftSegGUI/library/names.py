"""Names that go into a library: letters and digits only, so that no path needs quoting; checked as they are typed."""

from __future__ import annotations

import re

from MSSoftSegGUI.widgets.translation import tr as _

# As MSSoftSegLib.library.layout has them, which Slicer's Python may not be able to import yet; a test compares.
LONGEST = 64
ALLOWED = re.compile(r"[A-Za-z0-9]+")
# A name of so few letters is in too many others to mean anything.
FEWEST_TELLING = 3


def name_problem(text: str) -> str:
    """Why a text is no rater's name and no pseudonym, in a sentence; empty where it is one. Empty text is not judged."""
    if not text:
        return ""
    if len(text) > LONGEST:
        return _("At most {count} letters and digits.").format(count=LONGEST)
    wrong = sorted({letter for letter in text if not ALLOWED.fullmatch(letter)})
    if not wrong:
        return ""
    shown = ", ".join(_("space") if letter.isspace() else letter for letter in wrong)
    return _("Letters A–Z and digits only; not: {letters}").format(letters=shown)


def gives_away(pseudonym: str, person: str) -> bool:
    """Whether a pseudonym gives away the name (or id) of a person as the images have it."""
    plain = "".join(letter for letter in person.casefold() if letter.isalnum())
    parts = [part for part in re.split(r"[^\w]+|_", person.casefold()) if len(part) >= FEWEST_TELLING]
    typed = pseudonym.casefold()
    return len(typed) >= FEWEST_TELLING and (typed == plain or any(part in typed for part in parts))


def make_case_name(patient: str, session: str) -> str:
    """What the library calls this visit."""
    return f"sub-{patient}" + (f"_ses-{session}" if session else "")
