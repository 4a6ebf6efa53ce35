"""Slices: the parts into which a column is cut, and their names."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def spans(edges: Sequence[str]) -> list[str]:
    """Return what the parts are called that rising edges cut a column into; each edge belongs to the part below it."""
    if not edges:
        return ["all"]
    between = [f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"up to {edges[0]}", *between, f"above {edges[-1]}"]
