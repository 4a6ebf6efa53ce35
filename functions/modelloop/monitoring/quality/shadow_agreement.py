"""Rows that champion and shadow both answered: how many, and how many of them differently.

Like the join with labels it is a function of an hour's index entries, in any order and any number of times. Answers
are different when their labels are; numbers, when they are further apart than the champion's usual error (its holdout
RMSE). This is evidence for large effects only: which of the two is right, labels alone tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.contracts.index_entry import read_index
from modelloop.monitoring import summary
from modelloop.tables.grammar import label_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelloop.contracts.counts import Counts
    from modelloop.contracts.index_entry import IndexEntry
    from modelloop.contracts.manifest import Manifest


SIDES = frozenset({"champion", "shadow"})


def name(rollout: str, candidate: int, reference: int) -> str:
    """Return the key that the pairs of two versions in a rollout are counted under."""
    return f"{rollout}/{candidate}/{reference}"


def count(index: Iterable[bytes], manifest: Callable[[int], Manifest | None]) -> Counts:
    """Return, by rollout and pair of versions (`name`), rows that both answered and how many differently.

    `manifest` finds that of a version (None: unknown, its rows are left out).
    """
    waiting: dict[tuple[str, int], IndexEntry] = {}
    done: set[tuple[str, int]] = set()
    counts: Counts = {}
    for entry in read_index(index):
        rows = entry.id, entry.offset
        if entry.variant not in SIDES or not entry.rollout or rows in done:
            continue
        other = waiting.setdefault(rows, entry)
        if other.variant != entry.variant:
            done.add(rows)
            del waiting[rows]
            shadow, champion = (other, entry) if entry.variant == "champion" else (entry, other)
            _add(counts, shadow, champion, manifest)
    return counts


def _add(
    counts: Counts,
    shadow: IndexEntry,
    champion: IndexEntry,
    manifest: Callable[[int], Manifest | None],
) -> None:
    known = manifest(champion.version)
    apart = None if known is None else _measure(known)
    both = list(zip(shadow.predict, champion.predict, strict=False))
    if apart is None or not both:
        return
    pair = name(shadow.rollout, shadow.version, champion.version)
    different = sum(apart(one, other) for one, other in both)
    summary.add(counts, {pair: {"rows": len(both), "different": different}})


def _measure(known: Manifest) -> Callable[[Any, Any], bool] | None:
    """Return what tells two answers apart; None for numbers of a model without a measured error."""
    if known.classes:
        return lambda one, other: label_text(one) != label_text(other)
    usual = known.metrics.holdout.get("rmse", {}).get("value")
    if usual is None:
        return None
    return lambda one, other: (one is None) != (other is None) or (one is not None and abs(one - other) > usual)
