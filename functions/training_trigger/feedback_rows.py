"""The labelled rows that a retraining learns from; those that the table could not hold are left out, and told.

One label must not refuse a whole table. What came back for predictions is read as the target was read; a class that the
model does not know is learned from ten predictions on, and then a person approves the version.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelloop.tables.labels import NEW_CLASS, UNREADABLE, LabelReader, fault, holds_controls
from training_trigger.labels import MIN_ROWS_A_CLASS
from training_trigger.target import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.labelled_row import LabelledRow
    from modelloop.contracts.version_facts import VersionFacts
    from modelloop.spec.model import Spec

MAX_TOLD = 5  # rows that a warning names
_MAX_SHOWN = 40


@dataclass(frozen=True, slots=True)
class FeedbackRows:
    """Labelled rows in their order, their labels as they were read; what was left out or is new, in sentences."""

    rows: tuple[LabelledRow, ...]
    warnings: tuple[str, ...]


def reader_of(facts: VersionFacts, spec: Spec) -> LabelReader | None:
    """Return what reads the labels of a registered version, None when it does not say what it predicts."""
    if facts.classes is None and facts.task != REGRESSION:
        return None
    return LabelReader(facts.classes, spec.missing)


def usable_rows(labelled: Sequence[LabelledRow], reader: LabelReader | None) -> FeedbackRows:
    """Return the rows to learn from; without a reader every label that can be one is taken as it is."""
    kept: list[LabelledRow] = []
    unreadable: list[LabelledRow] = []
    damaged: list[LabelledRow] = []
    new: dict[str, list[LabelledRow]] = defaultdict(list)
    for row in labelled:
        if fault(row.label) or any(isinstance(cell, str) and holds_controls(cell) for cell in row.values.values()):
            damaged.append(row)
            continue
        outcome, value = reader.read(row.label) if reader else (None, row.label)
        if outcome == UNREADABLE or value is None:
            unreadable.append(row)
        elif outcome == NEW_CLASS:
            new[str(value)].append(replace(row, label=value))
        else:
            kept.append(replace(row, label=value))
    warnings = [
        *_left_out(damaged, "a control character, or a label that no table could hold"),
        *_left_out(unreadable, "a label that cannot be read"),
    ]
    for name, rows in sorted(new.items()):
        predictions = len({row.id for row in rows})
        if predictions >= MIN_ROWS_A_CLASS:
            kept += rows
            warnings.append(f"feedback: the new class {name[:_MAX_SHOWN]!r} was learned from {predictions} predictions")
        else:
            needed = f"a new class, which needs {MIN_ROWS_A_CLASS} predictions and has {predictions}"
            warnings += _left_out(rows, needed)
    return FeedbackRows(tuple(sorted(kept, key=lambda row: (row.id, row.row))), tuple(warnings))


def _left_out(rows: Sequence[LabelledRow], what: str) -> list[str]:
    """Return a sentence that names the rows by label, prediction and row; none when there are none."""
    if not rows:
        return []
    told = ", ".join(f"{_shown(row.label)} for row {row.row} of prediction {row.id}" for row in rows[:MAX_TOLD])
    more = f" and {len(rows) - MAX_TOLD:,} more" if len(rows) > MAX_TOLD else ""
    count = "1 labelled row was" if len(rows) == 1 else f"{len(rows):,} labelled rows were"
    return [f"feedback: {count} left out, with {what}: {told}{more}"]


def _shown(label: str | float | bool) -> str:
    return repr(label[:_MAX_SHOWN] if isinstance(label, str) else label)
