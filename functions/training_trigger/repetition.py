"""Whether rows that repeat were copied, or repeat because the table is coarse."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    type Codes = NDArray[np.int32]
    type Hashes = NDArray[np.uint64]

REPEATED = 0.5  # of the rows: fewer different contents than this, and most rows repeat another one
COPIED = 0.5  # of the contents of shuffled columns: fewer different contents than this, and rows were copied
MAX_SHUFFLED = 200_000
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplying loses nothing: 2^64 over the golden ratio


@dataclass(frozen=True, slots=True)
class Repetition:
    """Rows of which most repeat another one: whether they are copies, and each row's content, int32 [rows]."""

    contents: Codes
    different: int
    copies: bool

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.contents)

    @property
    def told(self) -> str:
        """Return the counts, as warnings and refusals begin."""
        return f"{self.rows:,} rows, {self.different:,} different"


def find_repetition(
    connection: DuckDBPyConnection, places: NDArray[np.float64], columns: Sequence[str], seed: str
) -> Repetition | None:
    """Return how rows repeat; None when most of them are different.

    `places` are those of the rows' contents: rows are compared by these 32 bits, and of a million different rows about
    a hundred share them by chance. `columns` are SQL for the cells that are a row's content.
    """
    different, contents = np.unique(places, return_inverse=True)
    if len(different) >= REPEATED * len(places):
        return None
    copies = len(different) < COPIED * _shuffled_contents(connection, columns, len(places), seed)
    return Repetition(contents.astype(np.int32), len(different), copies)


def _shuffled_contents(connection: DuckDBPyConnection, columns: Sequence[str], rows: int, seed: str) -> float:
    """Return how many different contents the rows have after each column is shuffled by itself.

    In a coarse table the values meet each other anyway, so that there are hardly more than before; where rows were
    copied, nearly every row is a new one. Of more than 200,000 rows a sample is shuffled, and what all would show is
    estimated from it.
    """
    generator = np.random.default_rng(int(sha256(seed.encode()).hexdigest()[:16], 16))
    sample = min(rows, MAX_SHUFFLED)
    chosen = np.sort(generator.choice(rows, sample, replace=False)) if sample < rows else None
    met = np.zeros(sample, np.uint64)
    for column in columns:
        cells = _hashes(connection, column)
        met = met * _MULTIPLIER + generator.permutation(cells if chosen is None else cells[chosen])
    counts = np.unique(met, return_counts=True)[1]
    return _extrapolated(counts, rows)


def _hashes(connection: DuckDBPyConnection, column: str) -> Hashes:
    fetched = connection.execute(f"SELECT hash({column}) AS h FROM cells ORDER BY rowid").fetchnumpy()["h"]
    return np.asarray(fetched, np.uint64)


def _extrapolated(counts: NDArray[np.intp], rows: int) -> float:
    """Return how many kinds `rows` draws show when a sample of them shows each so often.

    After Chao et al., "Rarefaction and extrapolation with Hill numbers" (2014): what was seen once and twice tells how
    many kinds were not seen.
    """
    sample = int(counts.sum())
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())  # noqa: PLR2004  seen twice
    if rows == sample or once == 0:
        return float(len(counts))
    unseen = once * once / (2 * twice) if twice else once * (once - 1) / 2
    missed = 1.0 if unseen == 0 else once / (sample * unseen + once)
    return len(counts) + unseen * (1.0 - (1.0 - missed) ** (rows - sample))
