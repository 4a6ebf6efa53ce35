"""The embedded stack: start it, stop it, and show the whole loop on it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer
from rich.panel import Panel

from modelloop_cli.console import Console, Json, StackName
from modelloop_cli.demo import job
from modelloop_client.failures import CommandError
from modelloop_client.stacks import STACK_FILE_VARIABLE, find_stack, nearest_stack_file
from modelloop_stack import environment, project

if TYPE_CHECKING:
    from modelloop_client.stacks import Stack

STARTING = "Starting the embedded stack (the first time takes minutes)"


def up(as_json: Json = False) -> None:
    """Build and start the embedded stack.

    Next: modelloop train FILE --model NAME.
    """
    console = Console(as_json=as_json)
    stack = start_stack(console)
    facts = {"stack_name": stack.stack_name, "api_url": stack.api_url, "api_key": stack.api_key}
    lines = [f"[bold]{name}[/] {value}" for name, value in facts.items()]
    lines.append("Next: modelloop train FILE --model NAME")
    console.show(facts, lambda: Panel("\n".join(lines), title="The embedded stack is running", expand=False))


def down(as_json: Json = False) -> None:
    """Stop the embedded stack; its data stays for the next start."""
    from modelloop_stack import processes  # noqa: PLC0415  only this command needs to know the system's processes

    nearest = nearest_stack_file()
    state = nearest.parent if nearest else project.state()
    processes.down(state)
    Console(as_json=as_json).show({"down": True}, lambda: f"The embedded stack is stopped; its data stays in {state}")


def demo(stack: StackName = None) -> None:
    """Take two real tables through the whole loop: train, predict, find drift, retrain.

    It starts the embedded stack when no stack is named. See the result with: modelloop dashboard.
    """
    console = Console(notes_to_stdout=True)
    embedded = stack is None and STACK_FILE_VARIABLE not in os.environ
    steps = job.run(console, start_stack(console) if embedded else find_stack(stack))
    console.out.print(steps.summary())
    if steps.failed:
        raise typer.Exit(1)


def start_stack(console: Console) -> Stack:
    """Build what changed, start the emulator, deploy what changed, and return the stack; raise CommandError if not."""
    if not console.notes.is_terminal:
        console.note(STARTING)
    try:
        with console.notes.status(STARTING):
            environment.start_stack(project.state())
    except RuntimeError as error:
        first, *rest = str(error).splitlines() or [type(error).__name__]
        raise CommandError(f"the embedded stack did not start: {first}", " ".join(rest)) from error
    return find_stack()
