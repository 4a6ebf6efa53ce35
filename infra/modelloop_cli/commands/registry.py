"""Models and versions, and the changes to what serves."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer
from rich.pretty import Pretty

from modelloop_cli.console import Console, Json, Limit, Model, Reason, StackName, Version, make_table
from modelloop_cli.run_view import gate_words, metric_rows
from modelloop_client.client import Client, Document
from modelloop_client.stacks import find_stack

if TYPE_CHECKING:
    from collections.abc import Callable

OptionalVersion = Annotated[
    int | None, typer.Argument(help="Number of the version; default: see above.", min=1, show_default=False)
]
Off = Annotated[bool, typer.Option("--off", help="Undo it.")]
_VERSION_COLUMNS = ("version", "role", "status", "family", "metric", "holdout", "95 % interval", "gate", "created")
_MODEL_COLUMNS = ("model", "champion", "challenger", "weight %", "updated")


def models(limit: Limit = 100, stack: StackName = None, as_json: Json = False) -> None:
    """List the models and the versions that serve."""
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        items = client.models(limit)
    console.show({"models": items}, lambda: make_table("Models", _MODEL_COLUMNS, map(_model_line, items)))


def _model_line(model: Document) -> list[Any]:
    return [
        model["name"], _version_number(model.get("champion")), _version_number(model.get("challenger")),
        model.get("weight"), (model.get("updated_at") or "")[:19],
    ]  # fmt: skip


def _version_number(version: Any) -> Any:
    return version.get("version") if isinstance(version, dict) else version


def versions(
    model: Model,
    version: Annotated[int | None, typer.Argument(help="Show the manifest of this version.", min=1)] = None,
    limit: Limit = 20,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """List a model's versions, or show the manifest of one.

    Next: modelloop report MODEL VERSION, or modelloop promote, approve or reject.
    """
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        if version:
            manifest = client.version(model, version)
            console.show(manifest, lambda: Pretty(manifest, max_length=12))
            return
        items = client.versions(model, limit)
    title = f"Versions of {model}"
    console.show({"versions": items}, lambda: make_table(title, _VERSION_COLUMNS, map(_version_line, items)))


def _version_line(version: Document) -> list[Any]:
    name, value, interval, _ = next(metric_rows(version.get("metrics")), [None] * 4)
    gate = version.get("gate") or version
    return [
        version["version"], version.get("role"), version.get("status"), _family_words(version), name, value, interval,
        gate_words(gate.get("decision")), (version.get("created_at") or "")[:19],
    ]  # fmt: skip


def _family_words(version: Document) -> Any:
    """Return the family of a version; of a blend, what it is made of."""
    members = version.get("members") or ()
    return ", ".join(f"{member['weight']:g} {member['family']}" for member in members) or version.get("family")


def _change(model: str, action: str, stack: str | None, *, as_json: bool, **body: Any) -> None:
    """Send one change of what serves, and print the API's answer or a line that it is done."""
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        answer = client.act(model, action, **body)
    console.show(answer, lambda: f"[green]✓[/] {action}: done for {model}. See modelloop models")


def _version_command(action: str, summary: str) -> Callable[..., None]:
    """Return the command of a change that needs a version; `summary` is its help."""

    def command(model: Model, version: Version, reason: Reason, stack: StackName = None, as_json: Json = False) -> None:
        _change(model, action, stack, as_json=as_json, version=version, reason=reason)

    command.__doc__ = summary
    return command


def _optional_version_command(action: str, summary: str) -> Callable[..., None]:
    """Return the command of a change that needs no version; `summary` is its help, and says which one is meant."""

    def command(
        model: Model, reason: Reason, version: OptionalVersion = None, stack: StackName = None, as_json: Json = False
    ) -> None:
        _change(model, action, stack, as_json=as_json, version=version, reason=reason)

    command.__doc__ = summary
    return command


def _switch_command(action: str, summary: str) -> Callable[..., None]:
    """Return the command of a change of a version that `--off` undoes; `summary` is its help."""

    def command(
        model: Model,
        version: Version,
        reason: Reason,
        off: Off = False,
        stack: StackName = None,
        as_json: Json = False,
    ) -> None:
        _change(model, action, stack, as_json=as_json, version=version, on=not off, reason=reason)

    command.__doc__ = summary
    return command


def freeze(model: Model, reason: Reason, off: Off = False, stack: StackName = None, as_json: Json = False) -> None:
    """Stop every automatic change to what serves; --off allows them again."""
    _change(model, "freeze", stack, as_json=as_json, on=not off, reason=reason)


ACTIONS: dict[str, Callable[..., None]] = {
    "promote": _optional_version_command("promote", "Make a version the champion (default: the challenger)."),
    "rollback": _optional_version_command(
        "rollback", "Go back to the previous champion; VERSION, if given, must be its number."
    ),
    "approve": _version_command("approve", "Approve a version that waits for a person, so that it may serve."),
    "reject": _optional_version_command(
        "reject", "Withdraw a challenger, a shadow or a waiting version (default: the challenger, else the shadow)."
    ),
    "pin": _switch_command("pin", "Keep a version reachable by its number; --off undoes it."),
    "shadow": _switch_command(
        "shadow", "Let a version predict beside the champion, unseen by callers; --off undoes it."
    ),
    "freeze": freeze,
    "retire": _optional_version_command("retire", "Take a version out of service for good (default: the whole model)."),
}


def report(
    model: Model,
    version: Version,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Save the page in this file.")] = None,
    browse: Annotated[bool, typer.Option(help="Open it in the browser.")] = True,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Open the report of a version: data, metrics, calibration and gate decision."""
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        answer = client.about(model, f"versions/{version}/report")
    if output:
        page = httpx.get(answer["url"], timeout=30.0, follow_redirects=True)
        page.raise_for_status()
        output.write_bytes(page.content)
    elif browse and not as_json:
        webbrowser.open(answer["url"])
    console.show(answer, lambda: f"Saved to {output}" if output else answer["url"])
