"""Retry what was given up."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from modelloop_cli.console import Console, Json, StackName, make_table
from modelloop_cli.dead_letters import ROUTES, DeadLetterQueues, RetriedLetter
from modelloop_client.failures import CommandError
from modelloop_client.stacks import find_stack

RESULTS = {"sent": "retried", "listed": "waiting", "kept": "kept: cannot be retried"}


def redrive(
    queue: Annotated[
        str | None, typer.Option("--queue", "-q", help=f"One of {', '.join(ROUTES)}; default: all.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list them, and why they were given up.")] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Retry runs, captures and uploads that were given up.

    Look first with --dry-run, and fix the cause that it names.
    """
    if queue is not None and queue not in ROUTES:
        raise CommandError(f"there is no dead-letter queue {queue!r}", f"Name one of {', '.join(ROUTES)}")
    console = Console(as_json=as_json)
    queues = DeadLetterQueues(find_stack(stack))
    letters: list[RetriedLetter] = []
    try:
        for name in [queue] if queue else ROUTES:
            for letter in queues.retry(name, dry_run=dry_run):
                letters.append(letter)  # noqa: PERF402  what was sent before a failure is shown too
    except Exception:
        if letters:
            _show(console, letters)
        raise
    _show(console, letters)


def _show(console: Console, letters: list[RetriedLetter]) -> None:
    counts = Counter(letter.ended for letter in letters)
    total = ", ".join(f"{RESULTS[ended].partition(':')[0]} {count}" for ended, count in sorted(counts.items()))
    rows = [[letter.queue, letter.what, letter.reason, RESULTS[letter.ended]] for letter in letters]
    console.show(
        {"letters": [letter._asdict() for letter in letters], "counts": dict(counts)},
        lambda: (
            Group(make_table("What was given up", ("queue", "what", "reason", "result"), rows), Text(total))
            if letters
            else Text("Nothing was given up.")
        ),
    )
