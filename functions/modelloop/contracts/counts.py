"""Counts: a tree of whole numbers, by name. Summaries, joined hours and traffic totals are made of it.

Adding two trees leaf by leaf is associative and commutative, so every order and split of the rows gives the same sums.
The readers below take an absent name for nothing counted.
"""

from __future__ import annotations

from modelloop.errors import ArtifactRefusedError

type Counts = dict[str, int | list[int] | Counts]


def integer(counts: Counts, name: str) -> int:
    """Return one count, 0 when it is absent; raise ArtifactRefusedError when it is no number."""
    value = counts.get(name, 0)
    if isinstance(value, int):
        return value
    raise ArtifactRefusedError(f"{name!r} is not a whole number in these counts")


def histogram(counts: Counts, name: str) -> list[int]:
    """Return counts by bin, none when they are absent; raise ArtifactRefusedError when they are no list."""
    value = counts.get(name)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise ArtifactRefusedError(f"{name!r} is not a list in these counts")


def branch(counts: Counts, name: str) -> Counts:
    """Return the counts below a name, none when they are absent; raise ArtifactRefusedError when they are no object."""
    value = counts.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise ArtifactRefusedError(f"{name!r} is not an object in these counts")


def integers(counts: Counts, name: str) -> dict[str, int]:
    """Return the numbers below a name, by theirs, none when they are absent."""
    below = branch(counts, name)
    return {key: integer(below, key) for key in below}
