"""What a table's columns are: kinds, reasons to drop one, and what to warn about. Pure decisions on counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError
from modelloop.versions.prepared_table import ColumnProfile
from training_trigger.number_formats import MOSTLY, explain

if TYPE_CHECKING:
    from collections.abc import Sequence

NEAR_UNIQUE = 0.95
ENOUGH_TO_JUDGE = 20
SHOWN_FROM = 10
EXACT_WHOLE = 2**24
MAX_FLOAT32 = 3.4028235677973366e38
IDENTIFIER_NAME = re.compile(
    r"(?:^|[_\s.-])(?:id|uuid|guid|key|index|idx|nr|no|number)$|^(?:unnamed: \d+|row_?\w*)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Counts of one column. `present` cells are not missing; `numbers` … count how many of them read as that kind.

    Of text, `foreign` cells are numbers or dates in another format, most often `number_format` (its place in
    NUMBER_FORMATS); when most cells are numbers or dates, `odd` are the commonest of the others. `merged`: some are
    whole numbers so large that different ones are one 64-bit float.
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
    number_format: int | None = None
    words: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    first: str | None = None
    last: str | None = None
    odd: tuple[tuple[str, int], ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    nested: bool = False
    merged: bool = False

    @property
    def kind(self) -> str:
        """Return number, boolean, date or text: the narrowest that every present cell reads as."""
        for kind, count in (("number", self.numbers), ("boolean", self.booleans), ("date", self.dates)):
            if self.present and count == self.present and not self.merged:
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
        return self.whole == self.present and (counting or bool(IDENTIFIER_NAME.search(self.name)))


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
    maximum = max(abs(facts.minimum or 0.0), abs(facts.maximum or 0.0))
    if facts.kind == "number" and maximum >= MAX_FLOAT32:
        raise DatasetRejectedError(
            f"column {facts.name!r} holds {maximum:.3g}, beyond the range of a 32-bit float (3.4e38): "
            "rescale it, or list it under `ignore` in model.yaml",
            field=facts.name,
        )


def warnings(facts: Facts, *, masked: bool = False) -> list[str]:
    """Return what a person should know about a feature column."""
    texts, name, kind = [], facts.name, facts.kind
    if kind == "number" and facts.identifier_like:
        texts.append(f"column {name!r} looks like a row number or identifier: list it under `ignore` in model.yaml")
    if kind == "number" and facts.whole and max(abs(facts.minimum or 0), abs(facts.maximum or 0)) > EXACT_WHOLE:
        texts.append(f"column {name!r} holds whole numbers above 16,777,216, which 32-bit floats round")
    if why := explain(facts, masked=masked):
        texts.append(f"column {name!r} was read as text: {why}")
    if facts.missing > MOSTLY * facts.rows:
        texts.append(f"column {name!r} is missing in {facts.missing / facts.rows:.0%} of the rows")
    return texts


def header_warning(facts: Sequence[Facts], first_line: str | None = None) -> list[str]:
    """Return a warning when a file seems to have no header line: a column's name is one of its values, say.

    `first_line` shows the line if all of it looks like data.
    """
    if first_line is not None:
        return [f"the first line looks like data, not names ({first_line}): start the file with a header line"]
    repeated = next((column.name for column in facts if column.name in {value for value, _ in column.top}), None)
    if repeated is None:
        return []
    return [f"the first line may be data, not names: {repeated[:80]!r} is also a value of that column"]


def rows_have(count: int) -> str:
    """Return the beginning of a sentence about so many rows."""
    return "1 row has" if count == 1 else f"{count:,} rows have"


def describe(facts: Facts, role: str, reason: str | None, *, masked: bool) -> ColumnProfile:
    """Return the profile of a column as runs and manifests carry it; a masked one shows no values.

    Values that occur fewer than ten times are never shown.
    """
    numeric = facts.kind == "number" and not masked
    dated = facts.kind == "date" and not masked
    return ColumnProfile(
        name=facts.name,
        kind=facts.kind,
        role=role,
        reason=reason,
        missing=facts.missing,
        distinct=facts.distinct,
        min=facts.minimum if numeric else None,
        max=facts.maximum if numeric else None,
        mean=facts.mean if numeric else None,
        first=facts.first if dated else None,
        last=facts.last if dated else None,
        top=[] if masked else [[value, count] for value, count in facts.top if count >= SHOWN_FROM],
        constant=facts.distinct <= 1,
        identifier_like=facts.identifier_like,
        masked=masked,
    )
