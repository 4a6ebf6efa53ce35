"""Many rows at once, with numpy: the same scores as the forms of the flat engine, to the last bit for trees.

Nothing on the path to a first answer imports this package; `FlatModel` does so when enough rows have come to pay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from modelloop.flat.batch.blend import BlendBatch, LinearInOrderBatch
from modelloop.flat.batch.levels import Levels
from modelloop.flat.batch.linear import LinearBatch
from modelloop.flat.batch.sums import TreeBatch
from modelloop.flat.batch.words import Words
from modelloop.flat.blend import Blend, LinearInOrder
from modelloop.flat.linear import Linear
from modelloop.flat.quick_scorer import MAX_LEAVES

if TYPE_CHECKING:
    from modelloop.flat.batch.types import Matrix, Scores
    from modelloop.flat.trees import Trees

__all__ = ["Batch", "batch_of"]


class Batch(Protocol):
    """Raw scores of a matrix of vectors, shape [rows, scores]."""

    def raw(self, matrix: Matrix) -> Scores:
        """Return the scores."""


def batch_of(form: Linear | Trees | Blend) -> Batch | None:
    """Return the many-row twin of a form; None where walking row by row is the only exact way."""
    if isinstance(form, Blend):
        members = [batch for member in form.members if (batch := batch_of(member)) is not None]
        return BlendBatch(form.weights, members) if len(members) == len(form.members) else None
    if isinstance(form, LinearInOrder):
        return LinearInOrderBatch(form)
    if isinstance(form, Linear):
        return LinearBatch(form)
    if max(form.sizes) <= MAX_LEAVES:
        return TreeBatch(form, Words(form))
    return None if form.tests else TreeBatch(form, Levels(form))
