"""Tables that an earlier release divided, and the sides that it gave their rows: `tests/support/founded_sides.json`.

The tables hold what that release read otherwise: missing values as text, numbers and moments in notations it did not
know. The recorded documents are those of its prepared tables (`split`, `missing` of the encoding, `membership` as one
digit a row).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

ROWS = 240
SPECS = {
    "content": "",
    "listed": 'missing: ["-", "NULL"]\n',
    "occurrence": "",
    "group": "group_column: house\n",
    "time": "time_column: day\n",
}
_CODES = ("a", "NULL", "b", "n/a", "NA", "nan", "-")
_ODD = ("3", "NULL", "7", "8", "#N/A")
_MOMENTS = ("2026-01-05 10:00:00+00", "2026-01-06 11:30:00+00", "2026-02-01 00:00:00+00")
_AMOUNTS = ("(12.50)", "1\u202f234", "7", "1\u2019000")
_HOUSES = ("h1", "NULL", "h2", "h3", "<NA>", "h4", "h5", "h6", "h7", "h8", "h9")


@cache
def recorded() -> dict[str, dict[str, Any]]:
    """Return the recorded documents by the name of the table."""
    return json.loads(Path(__file__).with_name("founded_sides.json").read_text())  # type: ignore[no-any-return]


def table(name: str) -> str:
    """Return the CSV of a table; that of `occurrence` has few different rows, each many times."""
    rows = []
    for row in range(ROWS):
        i = row % 12 if name == "occurrence" else row
        cells = [_CODES[i % 7], _ODD[i % 5], _MOMENTS[i % 3], _AMOUNTS[i % 4], "yes" if (i // 2) % 3 else "no"]
        if name != "occurrence":
            cells = [f"{i * 0.25}", _HOUSES[i % 11], f"2026-{i % 12 + 1:02d}-{i % 28 + 1:02d}", *cells]
        rows.append(",".join(cells))
    first = [] if name == "occurrence" else ["x", "house", "day"]
    return ",".join([*first, "code", "odd", "at", "amount", "y"]) + "\n" + "\n".join(rows) + "\n"


def coarse_table() -> str:
    """Return the CSV of a table whose few values meet in every way; some are missing to later readings only."""
    rows = [f"{_CODES[i % 7]},{_ODD[i % 5]},{'yes' if (i // 2) % 3 else 'no'}" for i in range(ROWS)]
    return "code,odd,y\n" + "\n".join(rows) + "\n"
