"""Why an image of the scene could not be written for the worker, in words: cause and remedy."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard, find_reason, make_sentence

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
LITTLE_BYTES = 64 * 2**20


def make_export_card(slot: str, problem: Exception, folder: Path) -> ErrorCard:
    """The card of what stopped the writing of a slot's image. folder: where it was to be written."""
    title = slot.upper() if len(slot) < 6 else slot
    details = f"{type(problem).__name__} while writing {slot}"
    if isinstance(problem, OSError) and (problem.errno in FULL or _is_full(folder)):
        what = _("The disk of the temporary folder is full: {slot} could not be written for the worker.")
        return ErrorCard(what.format(slot=title), _("Free some disk space and click Segment again."), details)
    if isinstance(problem, OSError):
        what = _("{slot} could not be written for the worker: the temporary folder cannot be written to ({reason}).")
        remedy = _("Choose another temporary folder in Slicer’s application settings and click Segment again.")
        return ErrorCard(what.format(slot=title, reason=find_reason(problem)), remedy, details)
    if isinstance(problem, LookupError):
        what = _("The image in {slot} is no longer in the scene.")
        return ErrorCard(what.format(slot=title), _("Load it again or choose another image."), details)
    reason = find_reason(problem)
    what = make_sentence(_("The image in {slot} cannot be segmented: {reason}").format(slot=title, reason=reason))
    return ErrorCard(what, _("Choose another image, or convert this one with Slicer’s modules."), details)


def _is_full(folder: Path) -> bool:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free < LITTLE_BYTES
    except OSError:
        return False
