"""Predictions and the labels that came back for them, joined into mergeable counts.

The join of an hour is a function of what is stored for it: index entries and labels, in any order, as often as they
came. The last label by time wins; an entry that two capture objects hold counts once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from modelloop.contracts import index_entry
from modelloop.contracts.counts import branch, integer
from modelloop.monitoring import summary
from modelloop.tables.grammar import label_text
from modelloop.tables.labels import NEW_CLASS, UNREADABLE, LabelReader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from modelloop.contracts.capture_record import Cell
    from modelloop.contracts.counts import Counts
    from modelloop.contracts.index_entry import IndexEntry
    from modelloop.contracts.manifest import Manifest

Row = tuple[str, int]  # prediction id, row

PPM = 1_000_000
SCORE_BINS = 1_000
MIN_SHARE = 0.5  # ppm: what a probability that rounds to zero is taken for
MAX_CLASSES_SCORED = 20
MAX_LABEL = 1e20  # a label beyond it counts as this far away: one absurd label must not overflow the sums
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

    predict: Cell
    proba: Sequence[int] | None
    slices: Mapping[str, Cell]


def read_labels(lines: Iterable[bytes]) -> Labels:
    """Return the last label of every row; the same label delivered twice is one."""
    labels: dict[Row, set[Label]] = {}
    for entry in index_entry.read_labels(lines):
        label = Label(entry.time, label_text(entry.label), entry.label)
        labels.setdefault((entry.id, entry.row), set()).add(label)
    last = {row: max(of_row, key=lambda label: (label.time, label.text)) for row, of_row in labels.items()}
    return Labels(last, sum(len({label[:2] for label in of_row}) - 1 for of_row in labels.values()))


def join(
    index: Iterable[bytes],
    labels: Labels,
    manifest: Callable[[int], Manifest | None],
    elsewhere: Callable[[Collection[str]], Collection[str]] = lambda _: (),
) -> Counts:
    """Return the counts of an hour: by version, how good its predictions were; and labels without a prediction.

    `rollouts` holds the losses of each rollout's own requests alone, by version: the ones that can be compared.
    `index` are index lines, in any order and any number of times; `manifest` finds that of a version (None: unknown),
    `elsewhere` those of some ids that are of other models' predictions: their labels are counted as `other_model`.
    Memory grows with the number of requests, not with what is in them.
    """
    versions: Counts = {}
    rollouts: Counts = {}
    seen: set[str] = set()
    matched: set[Row] = set()
    readers: dict[int, LabelReader] = {}
    duplicates = 0
    for entry in index_entry.read_index(index):
        identity = f"{entry.id}/{entry.offset}/{entry.version}"
        if identity in seen:
            duplicates += 1
            continue
        seen.add(identity)
        version_manifest = manifest(entry.version)
        if version_manifest is not None:
            if entry.version not in readers:
                readers[entry.version] = reader_of(version_manifest)
            counts, rows = _read_entry(entry, labels.last, readers[entry.version])
            matched |= rows
            version = str(entry.version)
            summary.add(versions, {version: counts})
            if entry.rollout and "figures" in counts:
                summary.add(rollouts, {entry.rollout: {version: _losses(counts)}})
    counts = {
        "versions": versions,
        "rollouts": rollouts,
        "labels": len(labels.last),
        "repeated": labels.repeated,
        "unmatched": len(labels.last) - len(matched),
        "duplicates": duplicates,
    }
    other_model = _of_other_models(labels.last.keys() - matched, elsewhere)
    return counts | {"other_model": other_model} if other_model else counts


def _of_other_models(unmatched: Collection[Row], elsewhere: Callable[[Collection[str]], Collection[str]]) -> int:
    """Return how many rows without a prediction of the model are of another model's."""
    found = elsewhere({identifier for identifier, _ in unmatched}) if unmatched else ()
    return sum(identifier in found for identifier, _ in unmatched)


def labelled_rows(counts: Counts) -> int:
    """Return a version's rows whose labels were read; older joined hours counted the unknown ones as labelled, too."""
    return integer(branch(counts, "figures"), "rows")


def reader_of(manifest: Manifest) -> LabelReader:
    """Return what reads the labels of a version as its target was read."""
    return LabelReader(manifest.classes, manifest.spec.missing)


def _read_entry(entry: IndexEntry, last: Mapping[Row, Label], reader: LabelReader) -> tuple[Counts, set[Row]]:
    """Return the counts of one index entry, and its rows that have labels, readable or not."""
    counts: Counts = {"predicted": len(entry.predict), "labelled": 0}
    matched = set()
    for at, predict in enumerate(entry.predict):
        row = entry.id, entry.offset + at
        if row in last:
            matched.add(row)
            slices = {name: cells[at] for name, cells in (entry.slices or {}).items()}
            scored = Scored(predict, entry.proba[at] if entry.proba else None, slices)
            summary.add(counts, _count(scored, last[row], reader))
    return counts, matched


def _losses(counts: Counts) -> Counts:
    """Return what the mean and the variance of a loss are made of."""
    figures = branch(counts, "figures")
    return {"figures": {name: figures[name] for name in _OF_A_LOSS if name in figures}}


def _count(scored: Scored, label: Label, reader: LabelReader) -> Counts:
    """Count one row that has a label; only one that was read counts as labelled."""
    outcome, truth = reader.read(label.value)
    if outcome == NEW_CLASS:
        return {"unknown_labels": 1}
    if outcome == UNREADABLE or truth is None:
        return {"unreadable_labels": 1}
    figures = _number(scored, float(truth)) if reader.classes is None else _class(scored, label_text(truth), reader)
    if figures is None:
        return {"unreadable_labels": 1}
    counts: Counts = {"labelled": 1, "figures": figures}
    slices: Counts = {
        name: {_slice(cell): figures}
        for name, cell in scored.slices.items()
        if cell is None or isinstance(cell, str | bool)
    }
    return counts | {"slices": slices} if slices else counts


def _class(scored: Scored, truth: str, reader: LabelReader) -> Counts:
    """Count one classified row."""
    classes, predicted = reader.classes or (), label_text(scored.predict)
    counts: Counts = {"rows": 1, "correct": int(predicted == truth), "confusion": {truth: {predicted: 1}}}
    if scored.proba is None or len(scored.proba) != len(classes):
        return counts
    place = classes.index(truth)
    loss = round(-math.log(max(scored.proba[place], MIN_SHARE) / PPM) * PPM)
    brier = sum((share - PPM * (at == place)) ** 2 for at, share in enumerate(scored.proba))
    counts |= {"scored": 1, "loss": {"sum": loss, "squares": loss**2}, "brier": {"sum": brier, "squares": brier**2}}
    if len(classes) <= MAX_CLASSES_SCORED:
        counts["scores"] = {
            name: {str(min(share * SCORE_BINS // PPM, SCORE_BINS - 1)): [int(at != place), int(at == place)]}
            for at, (name, share) in enumerate(zip(classes, scored.proba, strict=True))
        }
    return counts


def _number(scored: Scored, truth: float) -> Counts | None:
    """Count one predicted number; None when none was predicted."""
    if scored.predict is None or isinstance(scored.predict, str):
        return None
    error, wanted = _fixed(scored.predict - truth), _fixed(truth)
    return {
        "rows": 1,
        "loss": {"sum": error**2, "squares": error**4},
        "absolute": {"sum": abs(error), "squares": error**2},
        "label": {"sum": wanted, "squares": wanted**2},
    }


def _fixed(value: float) -> int:
    return round(min(max(value, -MAX_LABEL), MAX_LABEL) * PPM)


def _slice(cell: str | bool | None) -> str:
    return "(missing)" if cell is None else label_text(cell)[:100]
