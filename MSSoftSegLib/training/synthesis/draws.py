"""Random numbers with names: every parameter of a synthetic patient can be read, and the seed draws her again."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Drawn = TypeVar("Drawn")


class Draws:
    """Draws parameters and writes them down. ``record`` maps names such as ``flair.noise`` to what was drawn."""

    def __init__(self, rng: np.random.Generator, record: dict[str, object] | None = None, prefix: str = "") -> None:
        self.rng, self.record, self._prefix = rng, {} if record is None else record, prefix

    def within(self, name: str) -> Draws:
        """The same source and record, with names below ``name``."""
        return Draws(self.rng, self.record, f"{self._prefix}{name}.")

    def uniform(self, name: str, low: float, high: float) -> float:
        """A number between low and high."""
        return self._noted(name, float(self.rng.uniform(low, high)))

    def log_uniform(self, name: str, low: float, high: float) -> float:
        """A number between low and high, as likely to be in each octave."""
        return self._noted(name, float(np.exp(self.rng.uniform(np.log(low), np.log(high)))))

    def chance(self, name: str, probability: float) -> bool:
        """Whether something happens."""
        return self._noted(name, bool(self.rng.random() < probability))

    def integer(self, name: str, low: int, high: int) -> int:
        """A whole number from low up to and without high."""
        return self._noted(name, int(self.rng.integers(low, high)))

    def vector(self, name: str, low: float, high: float) -> np.ndarray:
        """Three numbers between low and high, for z, y, x."""
        values = self.rng.uniform(low, high, size=3)
        self._noted(name, [float(value) for value in values])
        return values

    def choice(self, name: str, values: tuple[float, ...] | tuple[int, ...], weights: tuple[float, ...]) -> float:
        """One of the values."""
        return self._noted(name, float(self.rng.choice(values, p=weights)))

    def _noted(self, name: str, value: Drawn) -> Drawn:
        full = self._prefix + name
        if full in self.record:
            raise KeyError(f"{full} was drawn twice")
        self.record[full] = value
        return value
