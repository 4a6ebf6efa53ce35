"""The names of columns: one treatment of them for tables, specs and requests, so that a file that trained can be sent.

A name is trimmed and in Unicode form C. Names that differ in case, or inside, are different names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.errors import InvalidValueError
from modelloop.tables.grammar import compose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MAX_LONGER = 4  # a sign of form C is at most four signs in any other form


def clean_name(name: str) -> str:
    """Return a name trimmed and in Unicode form C."""
    trimmed = name.strip()
    return trimmed if trimmed.isascii() else compose(trimmed)


def other_spellings(sent: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """Return the known name of every sent name that is one but for spaces around it or its Unicode form.

    A known name that was sent as it is keeps its place. Names too long to be a known one are not normalised. Raises
    InvalidValueError when two sent names are the same known one.
    """
    names = list(sent)
    exact = set(known).intersection(names)
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name, column in spellings_of((name for name in names if name not in exact), known).items():
        if column in exact:
            continue
        if column in taken:
            raise InvalidValueError(f"column {column!r} is there twice, in two spellings", field=column)
        taken.add(column)
        found[name] = column
    return found


def spellings_of(names: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """Return the known name of every name that is one but for spaces around it or its Unicode form."""
    cleaned = {clean_name(name): name for name in known}
    longest = MAX_LONGER * max(map(len, cleaned), default=0)
    found: dict[str, str] = {}
    for name in names:
        trimmed = name.strip()
        if len(trimmed) <= longest and (column := cleaned.get(clean_name(trimmed))) is not None:
            found[name] = column
    return found
