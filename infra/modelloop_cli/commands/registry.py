"""What there is and what serves: models, versions, and the changes to them."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer
from rich.pretty import Pretty

from modelloop_cli.options import (
    Json,
    Limit,
    Model,
    Reason,
    StackName,
    Version,
)
from modelloop_cli.reports import metric_rows
from modelloop_cli.screen import Screen, table
from modelloop_client.client import Client, Document
from modelloop_client.target import find_stack

if TYPE_CHECKING:
    from collections.abc import Callable

OptionalVersion = Annotated[
    int | None, typer.Argument(help="The version; default: what the loop proposes.", min=1, show_default=False)
]

Off = Annotated[bool, typer.Option("--off", help="Undo it.")]


def models(limit: Limit = 100, stack: StackName = None, as_json: Json = False) -> None:
    """List the models and what serves for each."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        found = client.models(limit)
    screen.show(
        {"models": found},
        lambda: table(
            "Models",
            ("model", "champion", "challenger", "weight %", "updated"),
            (
                [one["name"], _number(one.get("champion")), _number(one.get("challenger")), one.get("weight"),
                 (one.get("updated_at") or "")[:19]]
                for one in found
            ),
        ),
    )  # fmt: skip


def _number(version: Any) -> Any:
    return version.get("version") if isinstance(version, dict) else version


def versions(
    model: Model,
    version: Annotated[int | None, typer.Argument(help="One version, for its manifest.", min=1)] = None,
    limit: Limit = 20,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """List a model's versions, or show one's manifest."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        if version:
            manifest = client.version(model, version)
            screen.show(manifest, lambda: Pretty(manifest, max_length=12))
            return
        found = client.versions(model, limit)
    columns = ("version", "role", "status", "family", "metric", "holdout", "95 % interval", "gate", "created")
    screen.show({"versions": found}, lambda: table(f"Versions of {model}", columns, map(_version_line, found)))


def _version_line(version: Document) -> list[Any]:
    name, value, interval, _ = next(metric_rows(version.get("metrics")), [None] * 4)
    gate = version.get("gate") or version
    return [
        version["version"], version.get("role"), version.get("status"), version.get("family"), name, value, interval,
        gate.get("decision"), (version.get("created_at") or "")[:19],
    ]  # fmt: skip


def _act(model: str, action: str, stack: str | None, *, as_json: bool, **body: Any) -> None:
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        answer = client.act(model, action, **body)
    screen.show(answer, lambda: f"[green]✓[/] {model}: {action} done")


def _about_a_version(action: str, words: str) -> Callable[..., None]:
    def command(model: Model, version: Version, reason: Reason, stack: StackName = None, as_json: Json = False) -> None:
        _act(model, action, stack, as_json=as_json, version=version, reason=reason)

    command.__doc__ = words
    return command


def _about_what_serves(action: str, words: str) -> Callable[..., None]:
    def command(
        model: Model, reason: Reason, version: OptionalVersion = None, stack: StackName = None, as_json: Json = False
    ) -> None:
        _act(model, action, stack, as_json=as_json, version=version, reason=reason)

    command.__doc__ = words
    return command


def _switch(action: str, words: str) -> Callable[..., None]:
    def command(
        model: Model,
        version: Version,
        reason: Reason,
        off: Off = False,
        stack: StackName = None,
        as_json: Json = False,
    ) -> None:
        _act(model, action, stack, as_json=as_json, version=version, on=not off, reason=reason)

    command.__doc__ = words
    return command


def freeze(model: Model, reason: Reason, off: Off = False, stack: StackName = None, as_json: Json = False) -> None:
    """Stop every automatic change to what serves (--off: let it go on)."""
    _act(model, "freeze", stack, as_json=as_json, on=not off, reason=reason)


ACTIONS: dict[str, Callable[..., None]] = {
    "promote": _about_what_serves("promote", "Make a version the champion (default: the challenger)."),
    "rollback": _about_what_serves("rollback", "Make the previous champion serve again."),
    "approve": _about_a_version("approve", "Let a version that waits for approval go on."),
    "reject": _about_what_serves("reject", "Take a challenger, shadow or waiting version out."),
    "pin": _switch("pin", "Keep a version reachable by its number (--off: no longer)."),
    "shadow": _switch("shadow", "Let a version answer in the champion's shadow (--off: no longer)."),
    "freeze": freeze,
    "retire": _about_what_serves("retire", "Take a version, or the whole model, out of reach for good."),
}


def report(
    model: Model,
    version: Version,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Save the page here.")] = None,
    browse: Annotated[bool, typer.Option(help="Open it in the browser.")] = True,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Open a version's report: data, metrics, calibration, gate."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        answer = client.about(model, f"versions/{version}/report")
    if output:
        page = httpx.get(answer["url"], timeout=30.0, follow_redirects=True)
        page.raise_for_status()
        output.write_bytes(page.content)
    elif browse and not as_json:
        webbrowser.open(answer["url"])
    screen.show(answer, lambda: f"Saved {output}" if output else answer["url"])
