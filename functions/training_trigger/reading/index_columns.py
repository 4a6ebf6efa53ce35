"""Columns that hold only pandas' row index, written beside the data: no columns, as when pandas reads the file back.

One stays a column where somebody counts on it: where model.yaml names it, or where it decided the sides of the
champion's rows, which must not move.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelloop.tables.names import clean_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from modelloop.spec.model import Spec

_WITHOUT_NAME = re.compile(r"__index_level_\d+__")


def counted_on(spec: Spec, champion: Iterable[str] | None) -> frozenset[str]:
    """Return the names that the spec gives, and those of the columns that divided the champion's rows."""
    named = (*spec.features, *spec.ignore, *spec.protected, *spec.mask)
    single = (spec.target, spec.time_column, spec.group_column)
    return frozenset({*named, *filter(None, single), *(champion or ())})


def places_of_data(names: Sequence[str], index: Collection[str], counted: Collection[str]) -> list[int]:
    """Return the places of the columns that are no index; `index` are the names that the file itself lists as one."""
    return [
        place
        for place, name in enumerate(names)
        if clean_name(name) in counted or not (name in index or _WITHOUT_NAME.fullmatch(clean_name(name)))
    ]


def warning(name: str) -> str:
    """Return what to tell about an index that is left out."""
    return f"column {name[:80]!r} is not used: it is the row index that pandas wrote; name it in model.yaml to use it"
