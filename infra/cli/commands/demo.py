"""The main job as a command."""

from __future__ import annotations

import typer

from infra.cli.options import StackName  # noqa: TC001  typer reads annotations at run time
from infra.cli.screen import Screen
from infra.cli.target import find_stack
from infra.demo.job import run


def demo(stack: StackName = None) -> None:
    """Take two real tables through the whole loop, and tell the story."""
    screen = Screen()
    journey = run(screen, find_stack(stack))
    screen.out.print(journey.summary())
    if journey.failed:
        raise typer.Exit(1)
