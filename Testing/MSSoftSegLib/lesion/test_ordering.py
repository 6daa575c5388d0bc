"""The order in which a reader is asked to look."""

from __future__ import annotations

from MSSoftSegLib.lesion.measurement import Lesion
from MSSoftSegLib.lesion.ordering import sort_least_certain_first


def lesion(number: int, *, lsu: float, entropy: float) -> Lesion:
    return Lesion(number, 10.0, 12.0, 0.9, 0.7, entropy, lsu, (0.0, 0.0, 0.0), 5.0)


def test_falling_lsu_then_falling_entropy_then_the_larger_lesion() -> None:
    lesions = [
        lesion(1, lsu=0.2, entropy=0.6),
        lesion(2, lsu=0.5, entropy=0.1),
        lesion(3, lsu=0.2, entropy=0.65),
        lesion(5, lsu=0.2, entropy=0.6),
        lesion(4, lsu=0.2, entropy=0.6),
    ]
    assert [one.id for one in sort_least_certain_first(lesions)] == [2, 3, 1, 4, 5]


def test_no_lesions_stay_none() -> None:
    assert sort_least_certain_first([]) == ()
