"""`python -m infra.build`: what the Makefiles call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.build import application, budget
from infra.build.cache import link_tree
from infra.build.code import code
from infra.build.layers import layer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command(name="layer")
def place_layer(role: str, artifacts: Path) -> None:
    """Put a role's layer into an artifacts folder."""
    link_tree(layer(role), artifacts)


@app.command(name="code")
def place_code(artifacts: Path) -> None:
    """Put the functions' code into an artifacts folder."""
    link_tree(code(), artifacts)


@app.command(name="application")
def build_application(force: Annotated[bool, typer.Option(help="Build even when nothing changed.")] = False) -> None:
    """Build everything, then check the size budget and the bytecode."""
    built = application.build(force=force)
    budget.check(built)


if __name__ == "__main__":
    app()
