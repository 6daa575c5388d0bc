"""Dissemination in space as two definitions count it, 2017 and 2024 side by side: a count of places, never a diagnosis.

Thompson et al. 2017, Lancet Neurol 17:162: lesions in at least two of four places (periventricular; cortical or juxtacortical;
infratentorial; spinal cord). Montalban et al. 2025, Lancet Neurol 24:850, the 2024 revision: in at least two of five, the optic
nerve being the fifth. In both a lesion is at least 3 mm long. An exam of the brain judges three; the others are entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from MSSoftSegLib.region.choices import Entered
from MSSoftSegLib.region.regions import Place

SHORTEST_LESION_MM = 3.0
NEEDED_PLACES = 2
BRAIN_PLACES = (Place.PERIVENTRICULAR, Place.JUXTACORTICAL, Place.INFRATENTORIAL)
STATEMENT = "a brain exam judges three of five; spinal cord and optic nerve are for you to enter"


PROBABILITY_OF = {Entered.AFFECTED: 1.0, Entered.NOT_AFFECTED: 0.0, Entered.NOT_ENTERED: 0.0}


class CountableLesion(Protocol):
    """What is asked of a lesion, as ``places.LesionPlace`` says it. membership: 0–1 in every place."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def longest_axis_mm(self) -> float:
        """Its length."""

    @property
    def membership(self) -> Mapping[Place, float]:
        """How surely it lies in each place."""


@dataclass(frozen=True)
class Definition:
    """A published way to count. outside: the places that a brain exam does not show, by name."""

    name: str
    citation: str
    outside: tuple[str, ...]

    @property
    def place_count(self) -> int:
        """How many places it counts."""
        return len(BRAIN_PLACES) + len(self.outside)


DEFINITIONS = (
    Definition("2017", "Thompson et al., Lancet Neurol 2018;17:162", ("spinal_cord",)),
    Definition("2024", "Montalban et al., Lancet Neurol 2025;24:850", ("spinal_cord", "optic_nerve")),
)


@dataclass(frozen=True)
class Dissemination:
    """By one definition: affected: how probably each place holds a lesion (None: not entered), 0–1.

    probability: that at least two places do, those not entered counted as free; lesions taken as independent.
    """

    definition: Definition
    affected: Mapping[str, float | None]
    probability: float


def dissemination(
    lesions: Iterable[CountableLesion],
    entered: Mapping[str, Entered],
    lesion_probability: Mapping[int, float] | None = None,
) -> tuple[Dissemination, ...]:
    """Each definition's count. entered: of spinal_cord and optic_nerve; lesion_probability: by id, how surely it is one (1)."""
    long_enough = [lesion for lesion in lesions if lesion.longest_axis_mm >= SHORTEST_LESION_MM]
    in_brain = {place.value: _any(long_enough, place, lesion_probability or {}) for place in BRAIN_PLACES}
    answers = []
    for definition in DEFINITIONS:
        outside = {place: entered.get(place, Entered.NOT_ENTERED) for place in definition.outside}
        known = {
            place: None if said is Entered.NOT_ENTERED else PROBABILITY_OF[said] for place, said in outside.items()
        }
        chances = [*in_brain.values(), *(PROBABILITY_OF[said] for said in outside.values())]
        answers.append(Dissemination(definition, in_brain | known, probability_of_at_least(NEEDED_PLACES, chances)))
    return tuple(answers)


def _any(lesions: Iterable[CountableLesion], place: Place, lesion_probability: Mapping[int, float]) -> float:
    """The probability that at least one lesion is in a place."""
    none = 1.0
    for lesion in lesions:
        none *= 1 - lesion.membership[place] * lesion_probability.get(lesion.id, 1.0)
    return 1 - none


def probability_of_at_least(count: int, chances: Iterable[float]) -> float:
    """The probability that at least this many of independent events happen (Poisson binomial)."""
    by_number = [1.0]
    for chance in chances:
        happens = [0.0, *(p * chance for p in by_number)]
        fails = [*(p * (1 - chance) for p in by_number), 0.0]
        by_number = [a + b for a, b in zip(happens, fails, strict=True)]
    return min(1.0, sum(by_number[count:]))
