"""RESULTS.md: one section a part, replaced when that part is measured; the others stay as they were."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

PAGE = Path(__file__).parent / "RESULTS.md"
PARTS = tuple(sorted(path.parent.name for path in PAGE.parent.glob("*/run.py")))
_INTRODUCTION = """# Measured

Written by `make bench`, each section when its part was measured. Ratios hold on other machines, times do not.
"""


def machine() -> str:
    """Return the line that says what was measured on."""
    return f"On {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}."


def record(part: str, body: str, page: Path = PAGE) -> None:
    """Put a body, its headings of the third level, in the place of the part's section; a new one comes last."""
    kept = sections(page.read_text()) if page.exists() else {}
    kept[part] = body.strip()
    found = [f"## {name.capitalize()}\n\n{text}\n" for name, text in kept.items()]
    page.write_text("\n".join([_INTRODUCTION, *found]))


def sections(text: str) -> dict[str, str]:
    """Return the bodies of a page's sections by part."""
    _, *pieces = re.split(r"^## ", text, flags=re.MULTILINE)
    split = (piece.partition("\n") for piece in pieces)
    return {title.strip().lower(): body.strip() for title, _, body in split}
