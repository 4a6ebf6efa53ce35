"""Choosing what to predict: the target column and the task. Pure decisions on names and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError
from training_trigger.number_formats import explain
from training_trigger.profile import IDENTIFIER_NAME

if TYPE_CHECKING:
    from modelloop.spec.model import Spec
    from training_trigger.profile import Facts

FEW_DISTINCT = 20
FREE_TEXT_WORDS = 4.0
SHOWN_NAMES = 12
CLASSIFICATION, REGRESSION = "classification", "regression"
_LAST_COLUMN = " (the last column; name another as `target` in model.yaml)"
_KINDS = {"text": "text", "boolean": "true and false", "number": "numbers"}


def choose_target(names: tuple[str, ...], spec: Spec, doubt: str | None = None) -> str:
    """Return the target's name: what the spec says, or else the last column that has a name and is not ignored.

    Raises DatasetRejectedError when the table has no column of that name, and with the `doubt`, if there is one, about
    the last column.
    """
    if spec.target is not None:
        check_named(names, spec, "target", (spec.target,))
        return spec.target
    if doubt:
        raise DatasetRejectedError(doubt)
    last = likely_target(names, spec)
    if last is None and not spec.ignore:
        raise DatasetRejectedError("no column has a name: start the file with a header line")
    if last is None:
        raise spec.refuse("ignore", "`ignore` lists every column: leave the target and at least one feature")
    return last


def likely_target(names: tuple[str, ...], spec: Spec) -> str | None:
    """Return the name that `choose_target` chooses if there is no doubt; None when there is none to choose."""
    return spec.target or next((name for name in reversed(names) if name and name not in spec.ignore), None)


def check_named(names: tuple[str, ...], spec: Spec, key: str, columns: tuple[str, ...]) -> None:
    """Raise SpecError when a column that the spec names under a key is not in the table."""
    for column in columns:
        if column not in names:
            shown = ", ".join(repr(name) for name in names[:SHOWN_NAMES]) + (", …" if len(names) > SHOWN_NAMES else "")
            raise spec.refuse(key, f"`{key}` names column {column!r}, which is not in the table; its columns: {shown}")


def infer_task(facts: Facts, spec: Spec) -> tuple[str, str]:
    """Return the task and a sentence with its reason; raise DatasetRejectedError for a column that is no target."""
    guessed = "" if spec.target else _LAST_COLUMN
    _check_target(facts, spec, guessed)
    whole = facts.kind == "number" and facts.whole == facts.present
    if spec.task == REGRESSION:
        if facts.kind != "number":
            why = explain(facts, masked=facts.name in spec.mask)
            holds = f"is {_KINDS[facts.kind]}" + (f": {why}" if why else "")
            raise spec.refuse("task", f"regression needs numbers, and target {facts.name!r} {holds}")
        return REGRESSION, "regression, because model.yaml asks for it"
    if spec.task == CLASSIFICATION:
        return CLASSIFICATION, "classification, because model.yaml asks for it"
    if facts.kind == "number" and not (whole and facts.distinct <= FEW_DISTINCT):
        _refuse_identifier(facts, guessed)
        what = f"{facts.distinct:,} different whole numbers" if whole else "numbers with decimals"
        return REGRESSION, f"regression, because {facts.name} has {what}{guessed}"
    if whole:
        has = f"has only {facts.distinct} different whole numbers"
        return CLASSIFICATION, f"classification, because {facts.name} {has}{guessed}"
    return CLASSIFICATION, f"classification, because {facts.name} is {_KINDS[facts.kind]}{guessed}"


def _check_target(facts: Facts, spec: Spec, guessed: str) -> None:
    reason, why = None, explain(facts, masked=facts.name in spec.mask)
    if facts.nested:
        reason = "holds lists, objects or bytes: give the part to predict a column of its own"
    elif not facts.present:
        reason = "has no values"
    elif facts.distinct == 1:
        reason = f"has the same value in every row ({(facts.first or '')[:40]!r}): there is nothing to predict"
    elif facts.kind == "date":
        reason = "holds dates: predict a number (such as days until then) or a label"
    elif spec.task is None and why and facts.distinct > FEW_DISTINCT:
        reason = f"is not all numbers: {why}"
    elif spec.task != REGRESSION and facts.kind == "text" and facts.near_unique:
        reason = "looks like an identifier or free text: nearly every value is different"
    elif facts.kind == "text" and facts.words > FREE_TEXT_WORDS and facts.distinct > FEW_DISTINCT:
        reason = "looks like free text"
    if reason:
        raise DatasetRejectedError(f"target {facts.name!r} {reason}{guessed}", field=facts.name)


def _refuse_identifier(facts: Facts, guessed: str) -> None:
    if not guessed or not facts.identifier_like:
        return
    counts_rows = facts.distinct == facts.present == (facts.maximum or 0) - (facts.minimum or 0) + 1
    if IDENTIFIER_NAME.search(facts.name) or counts_rows:
        raise DatasetRejectedError(
            f"target {facts.name!r} looks like a row number or identifier{guessed}", field=facts.name
        )
