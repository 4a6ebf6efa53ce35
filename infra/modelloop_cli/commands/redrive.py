"""Send what was given up back to where it came from."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from modelloop_cli.dead_letters import ROUTES
from modelloop_cli.options import Json, StackName
from modelloop_cli.redriving import Mailroom, Redriven
from modelloop_cli.screen import Screen, table
from modelloop_client.failures import CommandError
from modelloop_client.target import find_stack


def redrive(
    queue: Annotated[
        str | None, typer.Option("--queue", "-q", help=f"One of {', '.join(ROUTES)}; default: all.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what is dead, and why.")] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Send runs, captures and uploads that were given up back to where they came from."""
    if queue is not None and queue not in ROUTES:
        raise CommandError(f"there is no dead-letter queue {queue!r}", f"Name one of {', '.join(ROUTES)}")
    screen = Screen(as_json=as_json)
    mailroom = Mailroom(find_stack(stack))
    done: list[Redriven] = []
    try:
        for name in [queue] if queue else ROUTES:
            for one in mailroom.redrive(name, dry_run=dry_run):
                done.append(one)  # noqa: PERF402  what was sent before a failure is told too
    except Exception:
        if done:
            _show(screen, done)
        raise
    _show(screen, done)


def _show(screen: Screen, done: list[Redriven]) -> None:
    counted = Counter(one.ended for one in done)
    told = ", ".join(f"{ended} {count}" for ended, count in sorted(counted.items())) or "nothing is dead"
    lines = table("Dead letters", ("queue", "what", "reason", "now"), [list(one) for one in done])
    screen.show(
        {"letters": [one._asdict() for one in done], "counts": dict(counted)},
        lambda: Group(lines, Text(told)) if done else Text(told),
    )
