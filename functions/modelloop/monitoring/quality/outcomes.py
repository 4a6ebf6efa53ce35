"""Predictions and the labels that came back for them, joined into mergeable counts.

The join of an hour is a function of what is stored for it: index entries and labels, in any order, as often as they
came. The last label by time wins; an entry that two capture objects hold counts once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from modelloop.errors import InvalidValueError
from modelloop.monitoring import summary
from modelloop.monitoring.drift.baseline import label_text
from modelloop.tables import grammar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from modelloop.contracts.counts import Counts

    Manifest = Mapping[str, Any]

Row = tuple[str, int]  # prediction id, row

PPM = 1_000_000
SCORE_BINS = 1_000
SMALLEST_SHARE = 0.5  # ppm: what a probability that rounds to zero is taken for
MOST_CLASSES_SCORED = 20
FURTHEST = 1e20  # a label beyond it counts as this far away: one absurd label must not overflow the sums
_NO_LABELS: frozenset[str] = frozenset()
_OF_A_LOSS = ("rows", "scored", "loss", "label")


class Label(NamedTuple):
    """What came back for a row; labels compare by time, then by text, so that everybody finds the same last one."""

    time: str
    text: str
    value: str | float | bool


class Labels(NamedTuple):
    """The last label of every row, and how many other labels there were before it."""

    last: dict[Row, Label]
    repeated: int


class Scored(NamedTuple):
    """One predicted row of one version; `proba` is in millionths."""

    predict: Any
    proba: Sequence[int] | None
    slices: Mapping[str, Any]


def read_labels(lines: Iterable[bytes]) -> Labels:
    """Return the last label of every row; the same label delivered twice is one."""
    found: dict[Row, set[Label]] = {}
    for line in lines:
        entry = orjson.loads(line)
        if "label" not in entry:
            continue  # the line that tells where the labels came from
        label = Label(entry["time"], label_text(entry["label"]), entry["label"])
        found.setdefault((entry["id"], entry["row"]), set()).add(label)
    last = {row: max(labels, key=lambda label: (label.time, label.text)) for row, labels in found.items()}
    return Labels(last, sum(len({label[:2] for label in labels}) - 1 for labels in found.values()))


def join(index: Iterable[bytes], labels: Labels, manifest: Callable[[int], Manifest | None]) -> dict[str, Any]:
    """Return the counts of an hour: by version, how good its predictions were; and labels without a prediction.

    `rollouts` holds the losses of each rollout's own requests alone, by version: the ones that can be compared.
    `index` are index lines, in any order and any number of times; `manifest` finds that of a version (None: unknown).
    Memory grows with the number of requests, not with what is in them.
    """
    versions: dict[str, Counts] = {}
    rollouts: dict[str, dict[str, Counts]] = {}
    seen: set[str] = set()
    matched: set[Row] = set()
    duplicates = 0
    for line in index:
        entry = orjson.loads(line)
        if "predict" not in entry:
            continue
        identity = f"{entry['id']}/{entry['offset']}/{entry['version']}"
        if identity in seen:
            duplicates += 1
            continue
        seen.add(identity)
        known = manifest(entry["version"])
        if known is not None:
            found, rows = _read_entry(entry, labels.last, known.get("classes"))
            matched |= rows
            version = str(entry["version"])
            summary.add(versions.setdefault(version, {}), found)
            if entry.get("rollout") and "figures" in found:
                summary.add(rollouts.setdefault(entry["rollout"], {}).setdefault(version, {}), _losses(found))
    return {
        "versions": versions,
        "rollouts": rollouts,
        "labels": len(labels.last),
        "repeated": labels.repeated,
        "unmatched": len(labels.last) - len(matched),
        "duplicates": duplicates,
    }


def _read_entry(
    entry: dict[str, Any], last: Mapping[Row, Label], classes: Sequence[object] | None
) -> tuple[Counts, set[Row]]:
    """Return the counts of one index entry, and its rows that have labels."""
    counts: Counts = {"predicted": len(entry["predict"]), "labelled": 0}
    matched = set()
    for at, predict in enumerate(entry["predict"]):
        row = entry["id"], entry["offset"] + at
        if row in last:
            matched.add(row)
            slices = {name: cells[at] for name, cells in (entry["slices"] or {}).items()}
            scored = Scored(predict, entry["proba"] and entry["proba"][at], slices)
            summary.add(counts, _count(scored, last[row], classes))
    return counts, matched


def _losses(counts: Counts) -> Counts:
    """Return what the mean and the variance of a loss are made of."""
    figures = counts["figures"]
    return {"figures": {name: figures[name] for name in _OF_A_LOSS if name in figures}}


def _count(one: Scored, label: Label, classes: Sequence[object] | None) -> Counts:
    figures = _number(one, label) if classes is None else _class(one, label, [label_text(name) for name in classes])
    if figures is None:
        return {"labelled": 1, "unknown_labels": 1}
    slices = {name: {_slice(cell): figures} for name, cell in one.slices.items() if _sliceable(cell)}
    return {"labelled": 1, "figures": figures} | ({"slices": slices} if slices else {})


def _class(one: Scored, label: Label, classes: list[str]) -> Counts | None:
    """Count one classified row; None when the label is no class of the version."""
    if label.text not in classes:
        return None
    said = label_text(one.predict)
    counts: Counts = {"rows": 1, "correct": int(said == label.text), "confusion": {label.text: {said: 1}}}
    if one.proba is None or len(one.proba) != len(classes):
        return counts
    truth = classes.index(label.text)
    loss = round(-math.log(max(one.proba[truth], SMALLEST_SHARE) / PPM) * PPM)
    brier = sum((share - PPM * (at == truth)) ** 2 for at, share in enumerate(one.proba))
    counts |= {"scored": 1, "loss": {"sum": loss, "squares": loss**2}, "brier": {"sum": brier, "squares": brier**2}}
    if len(classes) <= MOST_CLASSES_SCORED:
        counts["scores"] = {
            name: {str(min(share * SCORE_BINS // PPM, SCORE_BINS - 1)): [int(at != truth), int(at == truth)]}
            for at, (name, share) in enumerate(zip(classes, one.proba, strict=True))
        }
    return counts


def _number(one: Scored, label: Label) -> Counts | None:
    """Count one predicted number; None when the label is no number."""
    try:
        truth = grammar.read_number(label.value, _NO_LABELS)
    except InvalidValueError:
        truth = None
    if truth is None or one.predict is None:
        return None
    error, wanted = _fixed(one.predict - truth), _fixed(truth)
    return {
        "rows": 1,
        "loss": {"sum": error**2, "squares": error**4},
        "absolute": {"sum": abs(error), "squares": error**2},
        "label": {"sum": wanted, "squares": wanted**2},
    }


def _fixed(value: float) -> int:
    return round(min(max(value, -FURTHEST), FURTHEST) * PPM)


def _sliceable(cell: object) -> bool:
    return cell is None or isinstance(cell, str | bool)


def _slice(cell: str | bool | None) -> str:
    return "(missing)" if cell is None else label_text(cell)[:100]
