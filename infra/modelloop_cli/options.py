"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
StackName = Annotated[
    str | None,
    typer.Option("--stack", envvar="MODELLOOP_STACK", help="A deployed stack's name; default: the embedded one."),
]
Model = Annotated[str, typer.Argument(help="The model's name.", show_default=False)]
Version = Annotated[int, typer.Argument(help="The version's number.", min=1, show_default=False)]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many to list.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; kept in the audit log.", show_default=False)]
