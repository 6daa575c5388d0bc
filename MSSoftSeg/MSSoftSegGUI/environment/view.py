"""What the environment page shows: one frozen picture per change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EnvironmentRow:
    """One finding. remedy: what mends it, "" where nothing needs mending. is_optional: one can do without."""

    topic: str
    state: str
    remedy: str = ""
    is_optional: bool = False


@dataclass(frozen=True)
class EnvironmentView:
    """rows: what was found. is_ready: None until it was checked. message: one sentence about what was done last."""

    is_busy: bool = False
    rows: tuple[EnvironmentRow, ...] = ()
    is_ready: bool | None = None
    message: str = ""
    is_error: bool = False

    @property
    def devices(self) -> tuple[tuple[str, str], ...]:
        """Devices that were found: what a job calls each, and what to show; the choice "auto" is not among them."""
        found = [row for row in self.rows if row.topic.startswith("device ")]
        return tuple((row.topic.removeprefix("device "), row.state) for row in found)

    @property
    def has_hd_bet(self) -> bool:
        """Whether HD-BET can be chosen."""
        return any(row.topic == "HD-BET" and row.state == "ready" for row in self.rows)
