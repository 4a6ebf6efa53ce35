"""`python -m modelloop_stack`: what `make up`, `make down` and `modelloop up` call."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from modelloop_stack import processes, stack
from modelloop_stack.build.application import BuildError
from modelloop_stack.deploy import DeployError
from modelloop_stack.emulator import EmulatorError
from modelloop_stack.info import DEFAULT_STATE
from modelloop_stack.stored_data import OtherFormatError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
State = Annotated[Path, typer.Option("--state", help="Folder of the stack's data; each folder is a stack of its own.")]


@app.command()
def up(
    state: State = DEFAULT_STATE,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only why it failed.")] = False,
) -> None:
    """Start the stack and print its addresses."""
    if not quiet:
        print("Starting the embedded stack (the first time takes minutes)", file=sys.stderr)
    try:
        info = stack.up(state)
    except (OtherFormatError, BuildError, EmulatorError, DeployError) as failure:
        print(failure, file=sys.stderr)
        raise typer.Exit(1) from failure
    if quiet:
        return
    lines = (f"API      {info.api_url}", f"key      {info.api_key}", f"AWS      {info.endpoint_url}")
    print("\n".join((*lines, f"details  {state / 'stack.json'}")))


@app.command()
def down(state: State = DEFAULT_STATE) -> None:
    """End every process of the stack; its data stays."""
    processes.down(state)


if __name__ == "__main__":
    app()
