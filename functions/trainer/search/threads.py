"""How many threads scikit-learn may use: two for large arrays; on small ones waiting costs more than sharing saves."""

from __future__ import annotations

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

MOST_THREADS = 2  # sums of two parts do not depend on their order; of more they do
CELLS_FOR_THREADS = 2_000_000


def are_worth(cells: int) -> bool:
    """Tell whether an array of so many cells is shared out among threads."""
    return cells > CELLS_FOR_THREADS


def for_cells(cells: int, most: int = MOST_THREADS) -> threadpool_limits:
    """Return a context with as many threads as an array of so many cells is worth, and at most so many."""
    return limit(most if are_worth(cells) else 1)


def limit(threads: int) -> threadpool_limits:
    """Return a context in which OpenMP has so many threads, and BLAS one."""
    return threadpool_limits({"blas": 1, "openmp": threads})
