"""Rows of a table, and what a model predicts of them: the plain types that fitting and judging share."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ANCHOR_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Contents:
    """Which rows have the same content, where most rows of a table repeat another one.

    `codes`, int32 [rows], are equal for rows of one content. Of `copies` each content has one vote; other rows are
    observations, each with a vote, and only the bootstrap draws those of one content together.
    """

    codes: NDArray[np.int32]
    copies: bool

    def take(self, rows: NDArray[Any] | slice) -> Contents:
        """Return the contents of some of the rows, by position or by mask."""
        return Contents(self.codes[rows], self.copies)

    def places(self) -> NDArray[np.intp]:
        """Return the place of each row's content among those that there are, from 0 without gaps, intp [rows]."""
        return np.unique(self.codes, return_inverse=True)[1]

    def votes(self) -> NDArray[np.float64]:
        """Return how much each row counts, float64 [rows]: copies share one vote, so a label counts by its share."""
        if not self.copies:
            return np.ones(len(self.codes))
        places = self.places()
        votes: NDArray[np.float64] = 1.0 / np.bincount(places)[places]
        return votes

    def first(self) -> NDArray[np.intp]:
        """Return the rising positions of the rows to count singly: the first of each copied content, else all rows."""
        return np.sort(np.unique(self.codes, return_index=True)[1]) if self.copies else np.arange(len(self.codes))


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a table.

    `matrix` is float32 [rows, slots]; `target` holds class indices or numbers, float64 [rows]. `times`, for tables that
    are ordered in time, are seconds since 1970 or other rising numbers, NaN where missing, float64 [rows]. `contents`
    is None where rows rarely repeat. `identities`, uint32 [rows], are the hashes of what the split takes for a row;
    None where they are not known. `groups`, int32 [rows], are equal for rows of one group, None without groups.
    """

    matrix: NDArray[np.float32]
    target: NDArray[np.float64]
    times: NDArray[np.float64] | None = None
    contents: Contents | None = None
    identities: NDArray[np.uint32] | None = None
    groups: NDArray[np.int32] | None = None

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.target)

    @property
    def votes(self) -> NDArray[np.float64]:
        """Return how much each row counts, float64 [rows]."""
        return np.ones(self.rows) if self.contents is None else self.contents.votes()

    @property
    def voters(self) -> int:
        """Return how many votes there are: one a row, of copies one a content."""
        return self.rows if self.contents is None else len(self.contents.first())

    def take(self, rows: NDArray[Any] | slice) -> Part:
        """Return some of the rows, by position or by mask; a slice shares their memory."""
        return Part(
            self.matrix[rows],
            self.target[rows],
            None if self.times is None else self.times[rows],
            None if self.contents is None else self.contents.take(rows),
            None if self.identities is None else self.identities[rows],
            None if self.groups is None else self.groups[rows],
        )


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model predicts of rows, beside the truth.

    Classification: `target` and `predicted` are class indices [rows], `proba` is [rows, classes]. Regression: `target`
    and `predicted` are numbers, `proba` is None. `contents` is that of the part.
    """

    target: NDArray[np.float64]
    predicted: NDArray[np.float64]
    proba: NDArray[np.float64] | None
    contents: Contents | None = None

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.target)

    @property
    def votes(self) -> NDArray[np.float64]:
        """Return how much each row counts, float64 [rows]."""
        return np.ones(self.rows) if self.contents is None else self.contents.votes()

    def take(self, rows: NDArray[np.intp]) -> Predictions:
        """Return the predictions of some of the rows, by position."""
        proba = None if self.proba is None else self.proba[rows]
        contents = None if self.contents is None else self.contents.take(rows)
        return Predictions(self.target[rows], self.predicted[rows], proba, contents)

    def counted_once(self) -> Predictions:
        """Return the predictions without further copies of a row."""
        return self if self.contents is None else self.take(self.contents.first())


def join_predictions(parts: Sequence[Predictions]) -> Predictions:
    """Return predictions of several sets of rows, one set after the other; `contents` is None."""
    probas = [part.proba for part in parts if part.proba is not None]
    return Predictions(
        np.concatenate([part.target for part in parts]),
        np.concatenate([part.predicted for part in parts]),
        np.concatenate(probas) if probas else None,
    )


class Predictor(Protocol):
    """Predicts rows of its own encoding. A slow one limits how many it is asked about."""

    @property
    def max_rows(self) -> int:
        """Return how many rows it can be asked about in reasonable time."""
        ...

    def predict(self, part: Part) -> Predictions:
        """Return what it predicts of the rows, beside the truth."""
        ...


def newest_time(*parts: Part) -> float | None:
    """Return the newest time in some parts; None where no row has one."""
    present = [part.times[~np.isnan(part.times)] for part in parts if part.times is not None]
    return max((float(times.max()) for times in present if len(times)), default=None)


def subsample(rows: int, max_rows: int, seed: int) -> NDArray[np.intp]:
    """Return the rising positions of at most `max_rows` of the rows, drawn without replacement."""
    if rows <= max_rows:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, max_rows, replace=False))


def pack_anchor(holdout: Part, seed: int) -> bytes:
    """Return at most 20,000 holdout rows as the file that later versions are compared on."""
    kept = holdout.take(subsample(holdout.rows, ANCHOR_ROWS, seed))
    arrays: dict[str, NDArray[Any]] = {"matrix": kept.matrix, "target": kept.target}
    if kept.times is not None:
        arrays["times"] = kept.times
    if kept.identities is not None:
        arrays["identities"] = kept.identities
    if kept.contents is not None:
        arrays |= {"contents": kept.contents.codes, "copies": np.array(kept.contents.copies)}
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack_anchor(body: bytes) -> Part:
    """Return the rows of a packed anchor; those of earlier releases have no identities."""
    with np.load(BytesIO(body), allow_pickle=False) as arrays:
        codes = arrays.get("contents")
        contents = None if codes is None else Contents(codes, bool(arrays["copies"]))
        return Part(arrays["matrix"], arrays["target"], arrays.get("times"), contents, arrays.get("identities"))
