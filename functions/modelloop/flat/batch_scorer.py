"""Scores of many rows: the standard library until numpy is worth its import.

Importing numpy costs a tenth of a second, more than most batches take without it. Score row by row until that has cost
as much as importing numpy, then switch (ski rental): at most twice the cost of the best choice in hindsight.
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
    from modelloop.flat.linear import Linear
    from modelloop.flat.trees import Trees

    Vectors = Sequence[Sequence[float]]

FEW = 16  # rows: measured, array operations win from 8 (forests) to 16 rows (linear) on
_IMPORT_SECONDS = 0.1  # numpy, measured from a cold disk cache and with bytecode
_BUILD_SECONDS = 0.01


class BatchScorer:
    """The raw scores of many vectors, by whichever way is cheaper so far."""

    def __init__(self, form: Linear | Trees) -> None:
        self._form = form
        self._batch: Batch | None = None
        self._spent = 0.0
        self._switched = False

    def raw(self, vectors: Vectors) -> list[list[float]]:
        """Return one list of scores a vector."""
        if len(vectors) < FEW:
            return [self._form.raw(vector) for vector in vectors]
        if self._batch is not None:
            return _scores(self._batch, vectors)
        begun = perf_counter()
        scores = [self._form.raw(vector) for vector in vectors[:FEW]]
        rest = (perf_counter() - begun) / FEW * (len(vectors) - FEW)
        if not self._switched and self._spent + rest > self._switch_seconds() and (batch := self._switch()) is not None:
            return scores + _scores(batch, vectors[FEW:])
        scores += [self._form.raw(vector) for vector in vectors[FEW:]]
        self._spent += perf_counter() - begun
        return scores

    def _switch_seconds(self) -> float:
        return _BUILD_SECONDS + (0.0 if "numpy" in sys.modules else _IMPORT_SECONDS)

    def _switch(self) -> Batch | None:
        from modelloop.flat.batch import batch_of  # noqa: PLC0415  numpy stays away until it is worth its import

        self._switched = True
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
