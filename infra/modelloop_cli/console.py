"""What all commands share: options that several of them take, and how they print.

A person gets tables and sentences, a program gets one JSON document (`--json`).
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import ConsoleOptions, RenderableType

    from modelloop_client.failures import CommandError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
StackName = Annotated[
    str | None,
    typer.Option("--stack", envvar="MODELLOOP_STACK", help="Name of a deployed stack; default: the embedded stack."),
]
Model = Annotated[str, typer.Argument(help="Name of the model.", show_default=False)]
Version = Annotated[int, typer.Argument(help="Number of the version.", min=1, show_default=False)]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many to list at most.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is stored in the audit log.", show_default=False)]

PIPED_WIDTH = 200  # columns of a table that goes into a file or a pager, which must not be cut to 80
COLOURS = {
    "SUCCEEDED": "green", "ok": "green", "RUNNING": "cyan", "QUEUED": "cyan", "REJECTED": "yellow",
    "SUPERSEDED": "yellow", "insufficient_data": "yellow", "FAILED": "red", "drift": "red", "data_fault": "red",
    "degraded": "red",
}  # fmt: skip
STATUS_WORDS = {"drift": "drifted", "insufficient_data": "not enough data", "data_fault": "data fault"}
NOT_WRAPPED = {"run", "state", "prediction id", "version", "%"}  # columns whose values are copied
# Characters that command a terminal instead of being shown: C0 but for tab and line feed, DEL, C1, and those that turn
# the direction of writing. A name, label or reason that somebody else wrote may hold them.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ROWS_NEEDED = re.compile(r"(\d+) .*; (\d+) are needed")


def replace_commands(text: str) -> str:
    """Return a text with � in the place of every character that would command the terminal."""
    return _COMMANDS.sub("\ufffd", text)


class _Terminal(RichConsole):
    """Writes the styles that the program chose, and nothing that a text holds beside what can be seen."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is to be written, with � for commands inside texts."""
        for part in super().render(renderable, options):
            yield part if part.control else part._replace(text=replace_commands(part.text))


class Console:
    """The terminal of one command: the answer goes to standard output, progress and notes to standard error."""

    def __init__(self, *, as_json: bool = False, notes_to_stdout: bool = False) -> None:
        self.as_json = as_json
        narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
        self.out: RichConsole = _Terminal() if narrow else _Terminal(width=PIPED_WIDTH)
        self.notes: RichConsole = self.out if notes_to_stdout else _Terminal(stderr=True)

    def show(self, document: Any, render: Callable[[], RenderableType]) -> None:
        """Print the document as JSON, or what `render` returns for a person."""
        if self.as_json:
            print(_to_json(document, indent=2))
        else:
            self.out.print(render(), soft_wrap=not sys.stdout.isatty())

    def note(self, text: str) -> None:
        """Print what is being done; silent with --json."""
        if not self.as_json:
            self.notes.print(text)

    def fail(self, error: CommandError) -> None:
        """Print why a command ended, and what to do about it."""
        if self.as_json:
            print(_to_json(error.to_json()), file=self.notes.file)
            return
        advice = f" [dim]{_escape(error.advice)}[/]" if error.advice else ""
        self.notes.print(f"[bold red]✗[/] {_escape(error.message)}.{advice}", soft_wrap=True)

    def progress(self) -> Progress:
        """Return a progress bar on standard error; it draws nothing with --json or without a terminal."""
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self.notes,
            disable=self.as_json or not self.notes.is_terminal,
        )


def format_cell(value: Any) -> str | Text:
    """Return a value as a table cell: five significant digits, a dash for None, states coloured, Text as it is."""
    if isinstance(value, Text):
        return value
    if value is None or value == "":
        return "[dim]-[/]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5g}"
    text = replace_commands(str(value))
    colour = COLOURS.get(text)
    return f"[{colour}]{text}[/]" if colour else _escape(text) if "[" in text else text


def format_status(status: str | None, reasons: Sequence[str] = ()) -> Text:
    """Return a verdict's status as coloured words; for too few rows also how many there are of how many needed."""
    if not status:
        return Text("-", style="dim")
    words = STATUS_WORDS.get(status, status)
    if status == "insufficient_data" and (rows := _ROWS_NEEDED.match(next(iter(reasons), ""))):
        words = f"{words} ({rows[1]} of {rows[2]})"
    return Text(words, style=COLOURS.get(status, ""))


def count_noun(count: int, noun: str) -> str:
    """Return the count with its noun, such as "1 labelled row" or "1,200 labelled rows"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def make_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return a table; numbers are aligned right, other values left."""
    lines = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", header_style="bold", border_style="dim")
    for place, name in enumerate(columns):
        numeric = any(isinstance(line[place], int | float) and not isinstance(line[place], bool) for line in lines)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=name in NOT_WRAPPED)
    for line in lines:
        table.add_row(*map(format_cell, line))
    return table


def _to_json(document: Any, indent: int | None = None) -> str:
    """Return JSON with the letters of every language as they are, and escapes for what would command a terminal."""
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    return _COMMANDS.sub(lambda command: f"\\u{ord(command[0]):04x}", text)


def _escape(text: str) -> str:
    return text.rstrip(". ").replace("[", r"\[")
