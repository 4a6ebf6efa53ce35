"""What to tell a caller whose columns are not the model's: all that are missing, and what the others may have meant.

Only a request that is refused pays for this. Its cost is bounded, because callers choose the names: at most five
unknown names of at most 64 characters are compared, each in full with the few names of the model that share most pairs
of letters with it.
"""

from __future__ import annotations

from difflib import get_close_matches
from heapq import nlargest
from typing import TYPE_CHECKING

from modelloop.errors import MissingColumnsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from modelloop.tables.encoding import Column

MAX_UNKNOWN = 5
MAX_NAME = 64
_COMPARED = 8
_ALIKE = 0.6


def missing_columns(columns: Sequence[Column], sent: Collection[str], *, row: int | None = None) -> MissingColumnsError:
    """Return the refusal of a request, or of one row of it, that lacks required columns.

    It names all of these, and the first unknown names among the `sent` ones, each with the nearest name of the model.
    """
    missing = [column.name for column in columns if column.required and column.name not in sent]
    known = {column.name for column in columns}
    said = f"column {missing[0]!r} is missing" if len(missing) == 1 else f"columns {_listed(missing)} are missing"
    if unknown := _unknown(sent, known):
        absent = _Absent(
            [column.name for column in columns if column.name not in sent and len(column.name) <= MAX_NAME]
        )
        said += f"; the model does not know {', '.join(f'{name!r}{absent.nearest(name)}' for name in unknown)}"
    return MissingColumnsError(said, field=missing[0], row=row)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _unknown(sent: Iterable[str], known: Collection[str]) -> list[str]:
    names: list[str] = []
    for name in sent:
        if name not in known and len(name) <= MAX_NAME:
            names.append(name)
            if len(names) == MAX_UNKNOWN:
                break
    return names


class _Absent:
    """The model's columns that were not sent, prepared once for every unknown name that may have meant one of them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._plain = {_plain(name): name for name in reversed(names)}
        self._pairs = {name: _pairs(name) for name in names}

    def nearest(self, name: str) -> str:
        """Return the question whether another name was meant, or nothing."""
        if (same := self._plain.get(_plain(name))) is not None:
            return f" (did you mean {same!r}?)"
        pairs = _pairs(name)
        likely = nlargest(_COMPARED, self._pairs, key=lambda other: _overlap(pairs, self._pairs[other]))
        near = get_close_matches(name, likely, n=1, cutoff=_ALIKE)
        return f" (did you mean {near[0]!r}?)" if near else ""


def _plain(name: str) -> str:
    """Return the letters and digits of a name in one case: what most spellings of a name have in common."""
    return "".join(filter(str.isalnum, name)).casefold()


def _pairs(name: str) -> set[str]:
    folded = f" {name.casefold()} "
    return {folded[at : at + 2] for at in range(len(folded) - 1)}


def _overlap(pairs: set[str], others: set[str]) -> float:
    return len(pairs & others) / (len(pairs) + len(others))
