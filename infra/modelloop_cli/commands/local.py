"""The embedded stack itself: up and down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.panel import Panel

from modelloop_cli.options import Json
from modelloop_cli.screen import Screen
from modelloop_client.failures import CommandError
from modelloop_client.target import find_stack, nearest_stack_file
from modelloop_stack import launch, project

if TYPE_CHECKING:
    from modelloop_client.target import Stack

BRINGING_UP = "Bringing the embedded stack up (the first time takes minutes)"


def up(as_json: Json = False) -> None:
    """Build the application and bring the embedded stack up."""
    screen = Screen(as_json=as_json)
    stack = bring_up(screen)
    facts = {"stack_name": stack.stack_name, "api_url": stack.api_url, "api_key": stack.api_key}
    lines = "\n".join(f"[bold]{name}[/] {value}" for name, value in facts.items())
    screen.show(facts, lambda: Panel(lines, title="The embedded stack is up", expand=False))


def down(as_json: Json = False) -> None:
    """Stop the embedded stack; its data stays for the next start."""
    from modelloop_stack import processes  # noqa: PLC0415  only this command needs to know the system's processes

    nearest = nearest_stack_file()
    processes.down(nearest.parent if nearest else project.state())
    Screen(as_json=as_json).show({"down": True}, lambda: "The embedded stack is down; its data stays under .local/")


def bring_up(screen: Screen) -> Stack:
    """Build what changed, start the emulator, deploy what changed; a second call changes nothing."""
    if not screen.notes.is_terminal:
        screen.note(BRINGING_UP)
    try:
        with screen.notes.status(BRINGING_UP):
            launch.up(project.state())
    except RuntimeError as error:
        first, *rest = str(error).splitlines() or [type(error).__name__]
        raise CommandError(f"the embedded stack did not come up: {first}", " ".join(rest)) from error
    return find_stack()
