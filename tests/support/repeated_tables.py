"""Tables whose rows repeat: because they were copied, or because there are few values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable


def rare_class_copied(others: int = 450, rare: int = 10, copies: int = 55, seed: int = 1) -> str:
    """Return six numbers of random rows, the rare class copied until the classes are balanced: most rows are copies.

    The numbers say little about the class, so that a good figure can only come from copies.
    """
    generator = np.random.default_rng(seed)
    cells = generator.normal(size=(others + rare, 6)).round(3)
    cells[others:, 0] += 0.4
    order = generator.permutation(np.r_[np.arange(others), np.repeat(np.arange(others, others + rare), copies)])
    return _csv("a,b,c,d,e,f,fraud", ([*cells[row], int(row >= others)] for row in order))


def table_repeated(rows: int = 60, times: int = 10, seed: int = 2) -> str:
    """Return four numbers of random rows, the whole table repeated in another order each time."""
    generator = np.random.default_rng(seed)
    cells = generator.normal(size=(rows, 4)).round(4)
    labels = generator.integers(0, 2, rows)
    order = np.concatenate([generator.permutation(rows) for _ in range(times)])
    return _csv("a,b,c,d,y", ([*cells[row], labels[row]] for row in order))


def copies_with_ids(rows: int = 300, times: int = 2, seed: int = 3) -> str:
    """Return a repeated table whose rows are numbered through, so that no two are equal."""
    head, *lines = table_repeated(rows, times, seed).splitlines()
    return "\n".join([f"id,{head}", *(f"{number},{line}" for number, line in enumerate(lines))]) + "\n"


def fourteen_contents(rows: int = 1400, seed: int = 4) -> str:
    """Return four coarse columns that meet in fourteen of their sixteen ways, with a noisy label."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 14, rows)
    cells = (codes[:, None] >> np.arange(4)) & 1
    labels = (cells[:, 0] + generator.normal(0, 0.8, rows) > 0.5).astype(int)
    return _csv("a,b,c,d,y", ([*cell, label] for cell, label in zip(cells, labels, strict=True)))


def five_contents(rows: int = 500, seed: int = 5) -> str:
    """Return two coarse columns that meet in five of their six ways, with a noisy label."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 5, rows)
    labels = (codes % 2 + generator.normal(0, 0.8, rows) > 0.5).astype(int)
    return _csv("a,b,y", (["pqr"[code // 2], code % 2, label] for code, label in zip(codes, labels, strict=True)))


def _csv(head: str, rows: Iterable[Iterable[object]]) -> str:
    return "\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n"
