"""Vectors of many rows in the form in which they are cheapest to make and to hand to array operations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from struct import Struct
from typing import overload


class Block(Sequence[list[float]]):
    """Many encoded vectors, kept slot by slot: `packed` holds one slot of all rows as 32-bit floats, and so on.

    A sequence of lists for whoever goes row by row; they are made when the first one is asked for.
    """

    def __init__(self, rows: int, packed: list[bytes]) -> None:
        self._rows = rows
        self.packed = packed

    @cached_property
    def _vectors(self) -> list[list[float]]:
        if not self.packed:
            return [[] for _ in range(self._rows)]
        unpack = Struct(f"{self._rows}f").unpack
        return list(map(list, zip(*map(unpack, self.packed), strict=True)))

    def __len__(self) -> int:
        return self._rows

    @overload
    def __getitem__(self, index: int) -> list[float]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[float]]: ...
    def __getitem__(self, index: int | slice) -> list[float] | list[list[float]]:
        return self._vectors[index]
