"""Erase what a prediction was asked with."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.cli.erasing import Eraser
from infra.cli.failures import CommandError
from infra.cli.options import Json, Model, StackName
from infra.cli.screen import Screen
from infra.cli.target import find_stack
from modelloop.erasure import Row
from modelloop.ids import check_model_name


def erase(
    model: Model,
    prediction: Annotated[str, typer.Argument(help="The prediction's id.", show_default=False)],
    row: Annotated[int | None, typer.Option(min=0, help="One row of it, from 0; default: all.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Erase a prediction's captured features and labelled rows for good; counts and answers stay."""
    screen = Screen(as_json=as_json)
    what = f"row {row} of {prediction}" if row is not None else prediction
    if not yes and (as_json or not typer.confirm(f"Erase the features of {what} for good?")):
        raise CommandError("nothing was erased", "Say --yes, or answer y")
    counted = Eraser(find_stack(stack)).erase(check_model_name(model), Row(prediction, row))
    told = {name: counted[name] for name in ("rows", "objects", "old_versions")}
    screen.show(
        {"model": model, "prediction": prediction, **told},
        lambda: (
            f"[green]✓[/] {what}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())
        ),
    )
