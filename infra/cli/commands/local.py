"""The embedded stack itself: up and down."""

from __future__ import annotations

import shutil
import subprocess

from rich.panel import Panel

from infra.cli.failures import CommandError
from infra.cli.options import Json  # noqa: TC001  typer reads annotations at run time
from infra.cli.screen import Screen
from infra.cli.target import PROJECT, find_stack


def up(as_json: Json = False) -> None:
    """Build the application and bring the embedded stack up."""
    screen = Screen(as_json=as_json)
    _make("up", screen)
    stack = find_stack()
    facts = {"stack_name": stack.stack_name, "api_url": stack.api_url, "api_key": stack.api_key}
    lines = "\n".join(f"[bold]{name}[/] {value}" for name, value in facts.items())
    screen.show(facts, lambda: Panel(lines, title="The embedded stack is up", expand=False))


def down(as_json: Json = False) -> None:
    """Stop the embedded stack; its data stays for the next start."""
    screen = Screen(as_json=as_json)
    _make("down", screen)
    screen.show({"down": True}, lambda: "The embedded stack is down; its data stays under .local/")


def _make(goal: str, screen: Screen) -> None:
    make = shutil.which("make")
    if make is None:
        raise CommandError("make is not installed", "Install it with your system's package manager")
    answer = subprocess.run(
        [make, "--no-print-directory", goal],
        cwd=PROJECT,
        check=False,
        stdout=screen.notes.file,
        stderr=screen.notes.file,
    )
    if answer.returncode:
        raise CommandError(f"make {goal} ended with code {answer.returncode}", "The lines above say why")
