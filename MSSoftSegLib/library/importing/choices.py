"""What the user says about a foreign data set that the data set itself leaves open."""

from __future__ import annotations

from dataclasses import dataclass

from MSSoftSegLib.library.visits import Visits


@dataclass(frozen=True)
class Choices:
    """labels, possible: values that are lesion and possible lesion; none = what the description says. as_flair: the channel, by
    number or name, that plays FLAIR's part. visits: whether names tell of visits; None = as far as they do beyond doubt."""

    labels: tuple[int, ...] = ()
    possible: tuple[int, ...] = ()
    as_flair: str | None = None
    visits: Visits | None = None


NOTHING_CHOSEN = Choices()
