"""How a column of raw cells becomes float slots: one reader a column, made once, with a short way for clean cells."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

from modelloop.errors import InvalidValueError
from modelloop.tables import grammar

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from datetime import datetime

    from modelloop.tables.encoding import Column

    Reader = Callable[[Sequence[object], list[list[float]]], int]

NAN = float("nan")
_FLOAT32 = Struct("<f")
_MAX_FLOAT32 = 2.0**128 - 2.0**104
EPOCH = "1970-01-01"
MAX_LONGER = 4  # times as many bytes as in form C: what a text may have in another form


def column_reader(column: Column, missing: frozenset[str]) -> Reader:
    """Return the function that appends a column's slots to a list and answers how many cells were unseen."""
    return _MAKERS[column.kind](column, missing)


def typed_values(column: Column, raw: Sequence[object], missing: frozenset[str]) -> list[grammar.Value]:
    """Return the typed values of cells that were read before; numbers as their slot holds them."""
    if column.kind == "text":
        texts = [grammar.read_text(cell, missing) for cell in raw]
        known = frozenset(column.categories) if column.by_target else column.categories
        return [_spelled(text, column, known) for text in texts] if column.by_value else list(texts)
    if column.kind == "boolean":
        return [grammar.read_boolean(cell, missing) for cell in raw]
    if column.kind == "date":
        return [_iso(grammar.read_date(cell, missing), column) for cell in raw]
    slots: list[list[float]] = []
    column_reader(column, missing)(raw, slots)
    layout = Struct(f"{len(raw)}f")
    return [None if value != value else value for value in layout.unpack(layout.pack(*slots[0]))]  # noqa: PLR0124  NaN


def _located(column: Column, raw: Sequence[object], read: Callable[[object], object]) -> InvalidValueError:
    """Find the first cell that cannot be read, so that the way without errors need not count rows."""
    for row, cell in enumerate(raw):
        try:
            read(cell)
        except InvalidValueError as error:
            error.field, error.row = column.name, row
            return error
    return InvalidValueError("a value cannot be read", field=column.name)


def _number_reader(column: Column, missing: frozenset[str]) -> Reader:
    low, high = -_MAX_FLOAT32, _MAX_FLOAT32

    def number(cell: object) -> float:
        if type(cell) is int and low <= cell <= high:
            return float(cell)
        value = None if cell is None else grammar.read_number(cell, missing)
        return NAN if value is None else _float32(value)

    def read(raw: Sequence[object], slots: list[list[float]]) -> int:
        try:
            slots.append([cell if type(cell) is float and low <= cell <= high else number(cell) for cell in raw])
        except InvalidValueError:
            raise _located(column, raw, number) from None
        return 0

    return read


def _float32(value: float) -> float:
    try:
        return float(_FLOAT32.unpack(_FLOAT32.pack(value))[0])
    except OverflowError as error:
        raise InvalidValueError("the number is beyond the range of a 32-bit float") from error


def _boolean_reader(column: Column, missing: frozenset[str]) -> Reader:
    def boolean(cell: object) -> float:
        value = grammar.read_boolean(cell, missing)
        return NAN if value is None else float(value)

    def read(raw: Sequence[object], slots: list[list[float]]) -> int:
        try:
            slots.append([boolean(cell) for cell in raw])
        except InvalidValueError:
            raise _located(column, raw, boolean) from None
        return 0

    return read


def _text_reader(column: Column, missing: frozenset[str]) -> Reader:
    codes = {category: float(code) for code, category in enumerate(column.categories)}
    other = float(len(codes))
    by_value = _codes_by_value(column.categories) if column.by_value else {}
    longest = MAX_LONGER * max((len(text.encode()) for text in (*codes, *missing)), default=0)

    def code(cell: object) -> float:
        if type(cell) is str and not cell.isascii() and _is_longer(cell, longest):
            return other
        value = grammar.read_text(cell, missing)
        if value is None:
            return NAN
        found = codes.get(value)
        if found is None and by_value and (key := grammar.value_key(value)) is not None:
            return float(by_value.get(key, other))
        return other if found is None else found

    def read(raw: Sequence[object], slots: list[list[float]]) -> int:
        try:
            slot = [codes[cell] if type(cell) is str and cell in codes else code(cell) for cell in raw]
        except InvalidValueError:
            raise _located(column, raw, code) from None
        slots.append(slot)
        return slot.count(other)

    return read


@lru_cache(maxsize=256)
def _codes_by_value(categories: tuple[str, ...]) -> dict[float | str, int]:
    """Return the code of each value that exactly one category has."""
    codes: dict[float | str, int] = {}
    several = set()
    for code, category in enumerate(categories):
        if (key := grammar.value_key(category)) is not None:
            several |= {key} & codes.keys()
            codes[key] = code
    return {key: code for key, code in codes.items() if key not in several}


def _spelled(text: str | None, column: Column, known: Container[str]) -> str | None:
    """Return the category whose value a text has, so that captures are counted under it; else the text."""
    if text is None or text in known:
        return text
    key = grammar.value_key(text)
    code = None if key is None else _codes_by_value(column.categories).get(key)
    return text if code is None else column.categories[code]


def _is_longer(cell: str, longest: int) -> bool:
    """Return whether a cell is longer in bytes than any form of a known text, so that it need not be normalised."""
    return len(cell.strip().encode(errors="surrogatepass")) > longest


def _date_reader(column: Column, missing: frozenset[str]) -> Reader:
    from datetime import date  # noqa: PLC0415  models without dates start without it

    origin = date.fromisoformat(column.origin or EPOCH).toordinal()
    circle, before = _year() if column.day_of_year else ((), ())

    def moment(cell: object) -> datetime | None:
        return grammar.read_date(cell, missing)

    def read(raw: Sequence[object], slots: list[list[float]]) -> int:
        try:
            moments = [moment(cell) for cell in raw]
        except InvalidValueError:
            raise _located(column, raw, moment) from None
        slots.append([NAN if at is None else float(at.toordinal() - origin) for at in moments])
        slots.append([NAN if at is None else float(at.month) for at in moments])
        slots.append([NAN if at is None else float(at.weekday()) for at in moments])
        if column.with_time:
            slots.append([NAN if at is None else float(at.hour) for at in moments])
        if circle:
            days = [None if at is None else before[at.month - 1] + at.day - 1 for at in moments]
            slots.extend([NAN if day is None else part[day] for day in days] for part in circle)
        return 0

    return read


def _year() -> tuple[tuple[tuple[float, ...], ...], tuple[int, ...]]:
    """Return sine and cosine of each day of the year, and the days before each month."""
    from modelloop.tables import day_of_year  # noqa: PLC0415  models without it start without it

    return day_of_year.points(), day_of_year.BEFORE_MONTH


def _iso(moment: datetime | None, column: Column) -> str | None:
    if moment is None:
        return None
    return moment.isoformat() if column.with_time else moment.date().isoformat()


_MAKERS = {"number": _number_reader, "boolean": _boolean_reader, "text": _text_reader, "date": _date_reader}
