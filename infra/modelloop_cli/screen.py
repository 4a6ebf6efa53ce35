"""What a command prints: tables and panels for people, one JSON document for programs."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import RenderableType

    from modelloop_client.failures import CommandError

WIDE = 200  # what is piped into a file or a pager is not cut to 80 columns
COLOURS = {
    "SUCCEEDED": "green", "ok": "green", "RUNNING": "cyan", "QUEUED": "cyan", "REJECTED": "yellow",
    "SUPERSEDED": "yellow", "insufficient_data": "yellow", "FAILED": "red", "drift": "red", "data_fault": "red",
}  # fmt: skip


class Screen:
    """Standard output carries the answer and nothing else; progress and notes go to standard error."""

    def __init__(self, *, as_json: bool = False, story: bool = False) -> None:
        """Open both streams; a `story` is told on standard output as a whole, notes included."""
        self.as_json = as_json
        self.out = Console() if sys.stdout.isatty() or "COLUMNS" in os.environ else Console(width=WIDE)
        self.notes = self.out if story else Console(stderr=True)

    def show(self, document: Any, render: Callable[[], RenderableType]) -> None:
        """Print the document as JSON, or what `render` makes of it."""
        if self.as_json:
            print(json.dumps(document, ensure_ascii=False, indent=2))
        else:
            self.out.print(render(), soft_wrap=not sys.stdout.isatty())

    def note(self, text: str) -> None:
        """Tell a person what goes on; silent with --json."""
        if not self.as_json:
            self.notes.print(text)

    def fail(self, error: CommandError) -> None:
        """Print why a command ended, and what to do."""
        if self.as_json:
            print(json.dumps(error.to_json(), ensure_ascii=False), file=self.notes.file)
            return
        advice = f" [dim]{_plain(error.advice)}[/]" if error.advice else ""
        self.notes.print(f"[bold red]✗[/] {_plain(error.message)}.{advice}", soft_wrap=True)

    def progress(self, unit: str = "") -> Progress:
        """Return a progress bar on standard error; nothing is drawn with --json or without a terminal."""
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            TaskProgressColumn(),
            *([TextColumn(unit)] if unit else []),
            TimeElapsedColumn(),
            console=self.notes,
            disable=self.as_json or not self.notes.is_terminal,
        )


def _plain(text: str) -> str:
    return text.rstrip(". ").replace("[", r"\[")


def cell(value: Any) -> str:
    """Return a value as a table shows it: five significant digits, a dash for nothing, states coloured."""
    if value is None or value == "":
        return "[dim]-[/]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5g}"
    text = str(value)
    colour = COLOURS.get(text)
    return f"[{colour}]{text}[/]" if colour else _plain(text) if "[" in text else text


_WHOLE = {"run", "state", "prediction id", "version", "%"}


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return a table; numbers align right, other values left."""
    lines = [list(row) for row in rows]
    drawn = Table(title=title, title_justify="left", header_style="bold", border_style="dim")
    for place, name in enumerate(columns):
        numeric = any(isinstance(line[place], int | float) and not isinstance(line[place], bool) for line in lines)
        drawn.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=name in _WHOLE)
    for line in lines:
        drawn.add_row(*map(cell, line))
    return drawn
