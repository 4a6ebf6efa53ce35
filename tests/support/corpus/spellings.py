"""How programs spell the same cells: cases, commas, days and times, missing values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.corpus.tables import KINDS, people, plain, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

PEOPLE = people()
NUMBERED = [{"": str(at), **row} for at, row in enumerate(PEOPLE, start=1)]
WITH_NUMBER = {"": "number"} | KINDS
NO_DAY: dict[str, Any] = {"kinds": KINDS | {"day": "text"}, "unused": ("day",)}
TEXT_SIZE: dict[str, Any] = {"kinds": KINDS | {"size": "text"}}
NO_SIZE: dict[str, Any] = {"kinds": KINDS | {"size": "text"}, "unused": ("size",)}


def cells(**ways: Callable[[Any], str]) -> Callable[[str, Any], str]:
    """Return how cells are written: a column, or all cells of a type (`bools`, `dates`, `floats`), in its own way."""

    def say(name: str, value: Any) -> str:
        way = ways.get(name) or ways.get(f"{type(value).__name__}s")
        return way(value) if way else plain(value)

    return say


def upper(value: object) -> str:
    return str(value).upper()


def camel(value: object) -> str:
    return str(value).capitalize()


def comma(value: object) -> str:
    return str(value).replace(".", ",")


def german(day: date) -> str:
    return day.strftime("%d.%m.%Y")


def american(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def at_ten(end: str, separator: str = " ") -> Callable[[date], str]:
    """Return how a day is written as half past ten on that day, with an ending such as a zone."""
    return lambda day: f"{day.isoformat()}{separator}10:30:00{end}"


def gaps(token: str) -> str:
    """Return the rows as CSV with every seventh size and city missing, written as this token."""
    kept = [row if at % 7 else row | {"size": None, "city": None} for at, row in enumerate(PEOPLE)]
    return written(kept, say=lambda _, value: token if value is None else plain(value))
