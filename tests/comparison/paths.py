"""Places in a recording, and patterns of them: names from the kind of document down, `table > MODEL#m RUN#1 > state`.

In a pattern `*` stands for any part of one name, and a name `**` for any number of names.
"""

from __future__ import annotations

import re
from functools import lru_cache

SEPARATOR = " > "

type Path = tuple[str, ...]


def spelled(path: Path) -> str:
    """Return a path for a person."""
    return SEPARATOR.join(path)


@lru_cache(10_000)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern over spelled paths; each `*` is a group."""
    expression = ""
    for place, name in enumerate(pattern.split(SEPARATOR)):
        separator = SEPARATOR if place else ""
        if name == "**":
            expression += f"(?:{separator}.*)?" if place else "(?:.*)?"
        else:
            leading = f"(?:^|{SEPARATOR})" if place and expression == "(?:.*)?" else separator
            expression += leading + re.escape(name).replace(r"\*", "([^>]*?)")
    return re.compile(expression, re.DOTALL)


def matches(pattern: str, path: Path) -> re.Match[str] | None:
    """Return the match of a whole path, or None."""
    return compiled(pattern).fullmatch(spelled(path))
