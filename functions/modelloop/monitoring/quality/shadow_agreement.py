"""Rows that champion and shadow both answered: how many, and how many of them differently.

Like the join with labels it is a function of an hour's index entries, in any order and any number of times. Answers
are different when their labels are; numbers, when they are further apart than the champion's usual error (its holdout
RMSE). This is evidence for large effects only: which of the two is right, labels alone tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from modelloop.monitoring.drift.baseline import label_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from modelloop.contracts.counts import Counts

    Manifest = Mapping[str, Any]


SIDES = frozenset({"champion", "shadow"})


def name(rollout: str, candidate: int, reference: int) -> str:
    """Return the key that the pairs of two versions in a rollout are counted under."""
    return f"{rollout}/{candidate}/{reference}"


def count(index: Iterable[bytes], manifest: Callable[[int], Manifest | None]) -> dict[str, Counts]:
    """Return, by rollout and pair of versions (`name`), rows that both answered and how many differently.

    `manifest` finds that of a version (None: unknown, its rows are left out).
    """
    waiting: dict[tuple[str, int], dict[str, Any]] = {}
    done: set[tuple[str, int]] = set()
    found: dict[str, Counts] = {}
    for line in index:
        entry = orjson.loads(line)
        place = entry.get("id", ""), entry.get("offset", 0)
        if entry.get("variant") not in SIDES or not entry.get("rollout") or place in done:
            continue
        other = waiting.setdefault(place, entry)
        if other["variant"] != entry["variant"]:
            done.add(place)
            del waiting[place]
            shadow, champion = (other, entry) if entry["variant"] == "champion" else (entry, other)
            _add(found, shadow, champion, manifest)
    return found


def _add(
    found: dict[str, Counts],
    shadow: Mapping[str, Any],
    champion: Mapping[str, Any],
    manifest: Callable[[int], Manifest | None],
) -> None:
    known = manifest(champion["version"])
    apart = None if known is None else _measure(known)
    both = list(zip(shadow["predict"], champion["predict"], strict=False))
    if apart is None or not both:
        return
    place = name(shadow["rollout"], shadow["version"], champion["version"])
    counts = found.setdefault(place, {"rows": 0, "different": 0})
    counts["rows"] += len(both)
    counts["different"] += sum(apart(one, other) for one, other in both)


def _measure(known: Manifest) -> Callable[[Any, Any], bool] | None:
    """Return what tells two answers apart; None for numbers of a model without a measured error."""
    if known.get("classes"):
        return lambda one, other: label_text(one) != label_text(other)
    figure = ((known.get("metrics") or {}).get("holdout") or {}).get("rmse") or {}
    usual = figure.get("value")
    if usual is None:
        return None
    return lambda one, other: (one is None) != (other is None) or (one is not None and abs(one - other) > usual)
