"""How long a job will still take, in words."""

from __future__ import annotations

from MSSoftSegGUI.widgets.translation import tr as _

# Below these an estimate would jump about.
FIRST_ESTIMATE_S, FIRST_ESTIMATE_SHARE = 4.0, 0.04


def say_remaining(elapsed_s: float, share: float) -> str:
    """How long it will still take, roughly, in words; empty while nothing can be said. share: 0–1 done."""
    if elapsed_s < FIRST_ESTIMATE_S or share < FIRST_ESTIMATE_SHARE:
        return ""
    left_s = elapsed_s * (1.0 - share) / share
    if left_s < 10:
        return _("a few seconds left")
    if left_s < 55:
        return _("about {seconds} s left").format(seconds=round(left_s / 10) * 10)
    minutes = round(left_s / 60)
    return _("about a minute left") if minutes <= 1 else _("about {minutes} min left").format(minutes=minutes)
