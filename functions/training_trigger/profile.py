"""What a table's columns are: kinds, roles, reasons to drop one, and what to warn about. Pure decisions on counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelloop.errors import DatasetRejectedError
from training_trigger.number_formats import MOSTLY, explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.spec.model import Spec

FEW_DISTINCT = 20
NEAR_UNIQUE = 0.95
ENOUGH_TO_JUDGE = 20
SHOWN_FROM = 10
EXACT_WHOLE = 2**24
LARGEST_FLOAT32 = 3.4028235677973366e38
FREE_TEXT_WORDS = 4.0
_IDENTIFIER_NAME = re.compile(
    r"(?:^|[_\s.-])(?:id|uuid|guid|key|index|idx|nr|no|number)$|^(?:unnamed: \d+|row_?\w*)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Counts of one column. `present` cells are not missing; `numbers` … tell how many of them read as that kind.

    Of text, `foreign` cells are numbers or dates in another notation, most often `notation` (its place in NOTATIONS);
    `odd` are the commonest cells that keep the column from being numbers or dates, when most cells are.
    """

    name: str
    rows: int
    present: int
    distinct: int
    numbers: int = 0
    booleans: int = 0
    dates: int = 0
    times: int = 0
    whole: int = 0
    foreign: int = 0
    notation: int | None = None
    words: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    first: str | None = None
    last: str | None = None
    odd: tuple[tuple[str, int], ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    nested: bool = False

    @property
    def kind(self) -> str:
        """Return number, boolean, date or text: the narrowest that every present cell reads as."""
        for kind, count in (("number", self.numbers), ("boolean", self.booleans), ("date", self.dates)):
            if self.present and count == self.present:
                return kind
        return "text"

    @property
    def missing(self) -> int:
        """Return the number of missing cells."""
        return self.rows - self.present

    @property
    def near_unique(self) -> bool:
        """Return whether nearly every present cell differs from every other."""
        return self.present >= ENOUGH_TO_JUDGE and self.distinct >= NEAR_UNIQUE * self.present

    @property
    def identifier_like(self) -> bool:
        """Return whether it numbers or names rows: near-unique text, or whole numbers that count or are called ids."""
        if not self.near_unique:
            return False
        if self.kind != "number":
            return self.kind == "text"
        counting = self.maximum is not None and self.maximum - (self.minimum or 0) < 2 * self.present
        return self.whole == self.present and (counting or bool(_IDENTIFIER_NAME.search(self.name)))


def drop_reason(facts: Facts, *, masked: bool = False) -> str | None:
    """Return why a column cannot be a feature, or None when it can."""
    if not facts.name:
        return "it has no name"
    if facts.nested:
        return "it holds lists, objects or bytes: give each part a column of its own"
    if not facts.present:
        return "it has no values"
    if facts.distinct == 1 and not facts.missing:
        return "every row has the same value"
    if facts.kind == "text" and facts.near_unique:
        return explain(facts, masked=masked) or "nearly every value is different: it names rows or is free text"
    return None


def check_range(facts: Facts) -> None:
    """Raise DatasetRejectedError for numbers that no 32-bit float can hold."""
    largest = max(abs(facts.minimum or 0.0), abs(facts.maximum or 0.0))
    if facts.kind == "number" and largest >= LARGEST_FLOAT32:
        raise DatasetRejectedError(
            f"column {facts.name!r} holds {largest:.3g}, beyond the range of a 32-bit float (3.4e38): "
            "rescale it, or list it under `ignore` in model.yaml",
            field=facts.name,
        )


def warnings(facts: Facts, *, masked: bool = False) -> list[str]:
    """Return what a person should know about a feature column."""
    found, name, kind = [], facts.name, facts.kind
    if kind == "number" and facts.identifier_like:
        found.append(f"column {name!r} looks like a row number or identifier: list it under `ignore` in model.yaml")
    if kind == "number" and facts.whole and max(abs(facts.minimum or 0), abs(facts.maximum or 0)) > EXACT_WHOLE:
        found.append(f"column {name!r} holds whole numbers above 16,777,216, which 32-bit floats round")
    if why := explain(facts, masked=masked):
        found.append(f"column {name!r} was read as text: {why}")
    if facts.missing > MOSTLY * facts.rows:
        found.append(f"column {name!r} is missing in {facts.missing / facts.rows:.0%} of the rows")
    return found


def header_warning(facts: Sequence[Facts]) -> list[str]:
    """Return a warning when a column's name is also one of its values, as in a file without a header line."""
    same = next((column.name for column in facts if column.name in {value for value, _ in column.top}), None)
    if same is None:
        return []
    return [f"the first line may be data: the name {same[:80]!r} is also a value of its column; it must hold names"]


def choose_target(names: tuple[str, ...], spec: Spec, doubt: str | None = None) -> str:
    """Return the target's name: what the spec says, or else the last column that has a name and is not ignored.

    Raises DatasetRejectedError when the named one is not there, and with the `doubt` that there is about the last one.
    """
    if spec.target is not None:
        check_named(names, spec, "target", (spec.target,))
        return spec.target
    if doubt:
        raise DatasetRejectedError(doubt)
    last = next((name for name in reversed(names) if name and name not in spec.ignore), None)
    if last is None and not spec.ignore:
        raise DatasetRejectedError("no column has a name: start the file with a header line")
    if last is None:
        raise spec.refuse("ignore", "`ignore` lists every column: leave the target and at least one feature")
    return last


def check_named(names: tuple[str, ...], spec: Spec, key: str, wanted: tuple[str, ...]) -> None:
    """Raise SpecError when a column that the spec names is not in the table."""
    for name in wanted:
        if name not in names:
            shown = ", ".join(repr(known) for known in names[:12]) + (", …" if len(names) > 12 else "")  # noqa: PLR2004  a line
            raise spec.refuse(key, f"`{key}` names column {name!r}, which the table does not have; it has {shown}")


def infer_task(facts: Facts, spec: Spec) -> tuple[str, str]:
    """Return the task and a sentence that says why; raise DatasetRejectedError when it cannot be predicted."""
    guessed = "" if spec.target else " (the last column; name another as `target` in model.yaml)"
    _check_target(facts, spec, guessed)
    whole = facts.kind == "number" and facts.whole == facts.present
    if spec.task == "regression":
        if facts.kind != "number":
            why = explain(facts, masked=facts.name in spec.mask)
            holds = f"holds {_plural(facts)}" + (f": {why}" if why else "")
            raise spec.refuse("task", f"regression needs numbers and target {facts.name!r} {holds}")
        return "regression", "regression, because model.yaml says so"
    if spec.task == "classification":
        return "classification", "classification, because model.yaml says so"
    if facts.kind == "number" and not (whole and facts.distinct <= FEW_DISTINCT):
        _refuse_identifier(facts, guessed)
        what = f"has {facts.distinct:,} distinct whole numbers" if whole else "has numbers with decimals"
        return "regression", f"regression, because {facts.name} {what}{guessed}"
    kind = "text" if facts.kind == "text" else "true or false"
    what = f"has {facts.distinct} distinct whole numbers" if whole else f"is {kind}"
    return "classification", f"classification, because {facts.name} {what}{guessed}"


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
    elif spec.task != "regression" and facts.kind == "text" and facts.near_unique:
        reason = "looks like an identifier or free text: nearly every value is different"
    elif facts.kind == "text" and facts.words > FREE_TEXT_WORDS and facts.distinct > FEW_DISTINCT:
        reason = "looks like free text"
    if reason:
        raise DatasetRejectedError(f"target {facts.name!r} {reason}{guessed}", field=facts.name)


def _refuse_identifier(facts: Facts, guessed: str) -> None:
    if not guessed or not facts.identifier_like:
        return
    if (
        _IDENTIFIER_NAME.search(facts.name)
        or facts.distinct == facts.present == (facts.maximum or 0) - (facts.minimum or 0) + 1
    ):
        raise DatasetRejectedError(
            f"target {facts.name!r} looks like a row number or identifier{guessed}", field=facts.name
        )


def _plural(facts: Facts) -> str:
    return {"text": "text", "boolean": "true and false", "number": "numbers"}[facts.kind]


def describe(facts: Facts, role: str, reason: str | None, *, masked: bool) -> dict[str, Any]:
    """Return the profile of a column as runs and manifests carry it; a masked one shows no values.

    Values seen fewer than ten times are never shown.
    """
    numeric = facts.kind == "number" and not masked
    return {
        "name": facts.name,
        "kind": facts.kind,
        "role": role,
        "reason": reason,
        "missing": facts.missing,
        "distinct": facts.distinct,
        "min": facts.minimum if numeric else None,
        "max": facts.maximum if numeric else None,
        "mean": facts.mean if numeric else None,
        "first": facts.first if facts.kind == "date" and not masked else None,
        "last": facts.last if facts.kind == "date" and not masked else None,
        "top": [] if masked else [[value, count] for value, count in facts.top if count >= SHOWN_FROM],
        "constant": facts.distinct <= 1,
        "identifier_like": facts.identifier_like,
        "masked": masked,
    }
