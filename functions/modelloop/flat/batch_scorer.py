"""Scores of many rows: row by row with the standard library, or in batches with numpy once its import pays.

Importing numpy costs a tenth of a second, more than most batches take without it. So rows are scored one by one until
that has taken as long as importing numpy would, then in batches (ski rental): in total at most twice the time of the
better way in hindsight.
"""

from __future__ import annotations

import sys
from struct import Struct
from time import perf_counter
from typing import TYPE_CHECKING

from modelloop.tables.block import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.flat.batch import Batch
    from modelloop.flat.batch.types import Matrix
    from modelloop.flat.blend import Blend
    from modelloop.flat.linear import Linear
    from modelloop.flat.trees import Trees

    Vectors = Sequence[Sequence[float]]

MIN_BATCH_ROWS = 16  # measured: array operations win from 8 (forests) to 16 rows (linear) on
_IMPORT_SECONDS = 0.1  # numpy, measured from a cold disk cache and with bytecode
_BUILD_SECONDS = 0.01


class BatchScorer:
    """Returns the raw scores of many vectors, in the way that is cheaper so far."""

    def __init__(self, form: Linear | Trees | Blend) -> None:
        self._form = form
        self._batch: Batch | None = None
        self._spent = 0.0
        self._has_tried_numpy = False

    def raw(self, vectors: Vectors) -> list[list[float]]:
        """Return the scores of each vector, [vectors, scores], in link space."""
        if len(vectors) < MIN_BATCH_ROWS:
            return [self._form.raw(vector) for vector in vectors]
        if self._batch is not None:
            return _scores(self._batch, vectors)
        started = perf_counter()
        scores = [self._form.raw(vector) for vector in vectors[:MIN_BATCH_ROWS]]
        rest = (perf_counter() - started) / MIN_BATCH_ROWS * (len(vectors) - MIN_BATCH_ROWS)
        if (
            not self._has_tried_numpy
            and self._spent + rest > self._price()
            and (batch := self._import_numpy()) is not None
        ):
            return scores + _scores(batch, vectors[MIN_BATCH_ROWS:])
        scores += [self._form.raw(vector) for vector in vectors[MIN_BATCH_ROWS:]]
        self._spent += perf_counter() - started
        return scores

    def _price(self) -> float:
        """Return the seconds that the first batch costs beyond its scores."""
        return _BUILD_SECONDS + (0.0 if "numpy" in sys.modules else _IMPORT_SECONDS)

    def _import_numpy(self) -> Batch | None:
        """Return the batch form of the model, or None where only scoring row by row is exact."""
        from modelloop.flat.batch import batch_of  # noqa: PLC0415  numpy stays away until it is worth its price

        self._has_tried_numpy = True
        self._batch = batch_of(self._form)
        return self._batch


def _scores(batch: Batch, vectors: Vectors) -> list[list[float]]:
    scores: list[list[float]] = batch.raw(_matrix(vectors)).tolist()
    return scores


def _matrix(vectors: Vectors) -> Matrix:
    import numpy as np  # noqa: PLC0415  numpy is there when this is called

    if isinstance(vectors, Block):
        slots = np.frombuffer(b"".join(vectors.packed), dtype=np.float32).reshape(-1, len(vectors))
        return slots.T.astype(np.float64, order="C")  # the order of the other way, so that sums have the same bits
    pack = Struct(f"{len(vectors[0])}d").pack  # three times as fast as numpy's own reading of lists
    return np.frombuffer(b"".join([pack(*vector) for vector in vectors])).reshape(len(vectors), -1)
