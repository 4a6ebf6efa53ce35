"""The main job as a command."""

from __future__ import annotations

import os

import typer

from modelloop_cli.commands.local import bring_up
from modelloop_cli.demo.job import run
from modelloop_cli.options import StackName
from modelloop_cli.screen import Screen
from modelloop_client.target import STACK_FILE_VARIABLE, find_stack


def demo(stack: StackName = None) -> None:
    """Take two real tables through the whole loop, and tell the story."""
    screen = Screen(story=True)
    embedded = stack is None and STACK_FILE_VARIABLE not in os.environ
    journey = run(screen, bring_up(screen) if embedded else find_stack(stack))
    screen.out.print(journey.summary())
    if journey.failed:
        raise typer.Exit(1)
