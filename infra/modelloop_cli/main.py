"""The entry point of the command line: all commands, and how a failure is printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from modelloop import __version__
from modelloop_cli.commands import access, erase, export, local, monitoring, redrive, registry, serving, training
from modelloop_cli.console import Console
from modelloop_client.failures import explain

if TYPE_CHECKING:
    from collections.abc import Callable


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"modelloop {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="modelloop",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PANELS: dict[str, dict[str, Callable[..., None]]] = {
    "Stack": {"up": local.up, "down": local.down, "demo": local.demo, "env": access.env},
    "Train and predict": {
        "train": training.train,
        "runs": training.runs,
        "retrain": training.retrain,
        "predict": serving.predict,
        "feedback": serving.feedback,
    },
    "Models and versions": {
        "models": registry.models,
        "versions": registry.versions,
        **registry.ACTIONS,
        "report": registry.report,
    },
    "Monitoring and records": {
        "drift": monitoring.drift,
        "quality": monitoring.quality,
        "summary": monitoring.summary,
        "quarantine": monitoring.quarantine,
        "redrive": redrive.redrive,
        "audit": monitoring.audit,
        "lineage": monitoring.lineage,
        "export": export.export,
        "erase": erase.erase,
        "dashboard": access.dashboard,
        "proxy": access.proxy,
    },
}


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, serve and monitor models of tables, on this machine or on AWS.

    Start with `modelloop up`, then `modelloop train FILE --model NAME`, then `modelloop predict NAME FILE`.
    `modelloop COMMAND --help` explains a command and its options.
    """


for _panel, _commands in PANELS.items():
    for _name, _command in _commands.items():
        app.command(_name, rich_help_panel=_panel)(_command)


def main() -> None:
    """Run the command line; an expected failure is one line with advice, and exit code 1."""
    try:
        app()
    except Exception as error:  # the edge of the program: bugs are re-raised with their traceback
        failure = explain(error)
        if failure is None:
            raise
        Console(as_json="--json" in sys.argv).fail(failure)
        sys.exit(1)


if __name__ == "__main__":
    main()
