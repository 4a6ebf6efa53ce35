"""Many successions of one kind to their end, and rates with the bounds of Clopper and Pearson (1934)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from tests.support.gate import world
from tests.support.gate.traffic import PROMOTED, STREAMS, Ending, follow
from tests.support.gate.uploads import DEFAULT, begin, succeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from modelloop.versions.gate import GateDecision
    from tests.support.gate.traffic import Stream

ROWS = (772, 1_750)
WORSE, MUCH_WORSE = 0.01, 0.05


class Rate(NamedTuple):
    """How many of how many, and the two-sided 95 % bounds of the share."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else 0.0

    @property
    def low(self) -> float:
        return float(stats.beta.ppf(0.025, self.hits, self.of - self.hits + 1)) if self.hits else 0.0

    @property
    def high(self) -> float:
        return float(stats.beta.ppf(0.975, self.hits + 1, self.of - self.hits)) if self.hits < self.of else 1.0


@dataclass(frozen=True, slots=True)
class Repeat:
    """One succession: by how much the successor is truly worse, the gate's word, and its ending in every stream."""

    harm: float
    gate: str
    endings: tuple[Ending, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """All repeats of one kind of upload."""

    name: str
    streams: tuple[Stream, ...]
    repeats: tuple[Repeat, ...]

    def gate(self, word: str) -> Rate:
        return self._rate(repeat.gate == word for repeat in self.repeats)

    def ended(self, stream: Stream, *what: str) -> Rate:
        place = self.streams.index(stream)
        return self._rate(repeat.endings[place].what in what for repeat in self.repeats)

    def worse_champions(self, stream: Stream, harm: float) -> Rate:
        """Return how many of the successors that are truly worse by that much ended as champion."""
        place = self.streams.index(stream)
        worse = [repeat for repeat in self.repeats if repeat.harm >= harm]
        return self._rate(repeat.endings[place].what == PROMOTED for repeat in worse)

    def wrongly_rejected(self) -> Rate:
        """Return how many were rejected though they are not worse by more than the margin."""
        return self._rate(repeat.gate == "reject" for repeat in self.repeats if repeat.harm <= WORSE)

    def served(self) -> Rate:
        """Return how many answered any caller, in any stream."""
        return self._rate(
            any(found.answered or found.what == PROMOTED for found in repeat.endings) for repeat in self.repeats
        )

    @staticmethod
    def _rate(found: Iterable[bool]) -> Rate:
        answers = list(found)
        return Rate(sum(answers), len(answers))


def measure(name: str, repeats: int, streams: Sequence[Stream] = STREAMS, rows: Sequence[int] = ROWS) -> Scenario:
    """Simulate a kind of upload; the sizes of the tables take turns, and the same repeats give the same figures."""
    found = []
    for repeat in range(repeats):
        generator = np.random.default_rng([repeat, len(name)])
        succession = succeed(name, rows[repeat % len(rows)], generator)
        endings = follow(succession, streams, generator)
        found.append(Repeat(succession.harm, word(succession.decision), tuple(endings)))
    return Scenario(name, tuple(streams), tuple(found))


def word(decision: GateDecision) -> str:
    """Return release, unsure, approve or reject."""
    return "unsure" if decision.unsure else decision.decision


def _learned(table: world.Table, _: np.random.Generator) -> world.Table:
    return table


def _shuffled(table: world.Table, generator: np.random.Generator) -> world.Table:
    return table.with_labels(generator.permutation(table.labels))


def _weak(table: world.Table, generator: np.random.Generator) -> world.Table:
    """Keep a tenth of what the columns tell: labels of the world for one row in ten, chance for the others."""
    chance = generator.random(table.rows) < table.labels.mean()
    return table.with_labels(np.where(generator.random(table.rows) < 0.3, table.labels, chance.astype(np.float64)))


FIRSTS: dict[str, Callable[[world.Table, np.random.Generator], world.Table]] = {
    "as the world is": _learned,
    "a weak signal": _weak,
    "shuffled labels": _shuffled,
}


def measure_first(name: str, repeats: int, rows: Sequence[int] = ROWS) -> dict[str, Rate]:
    """Return how often the gate released, offered and rejected a first version."""
    words = []
    for repeat in range(repeats):
        generator = np.random.default_rng([repeat, len(name), 1])
        table = FIRSTS[name](world.sample(rows[repeat % len(rows)], generator), generator)
        words.append(word(begin(table, DEFAULT._replace(waves=10), generator)))
    return {kind: Rate(words.count(kind), repeats) for kind in ("release", "approve", "reject")}
