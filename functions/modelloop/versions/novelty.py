"""How often a column brings new values, as intake learns it and baselines keep it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Novelty:
    """Of `rows` rows of a column, in the order of time, `new` had a value that the rows before them did not teach."""

    new: int
    rows: int
