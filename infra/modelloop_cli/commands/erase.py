"""Erase what is stored of a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelloop.captures.erasure import RowSelection
from modelloop.ids import check_model_name, erasure_digest
from modelloop_cli.erasing.eraser import Erased, Eraser
from modelloop_cli.options import Json, Model, StackName
from modelloop_cli.screen import Screen
from modelloop_client.client import Client
from modelloop_client.failures import CommandError
from modelloop_client.target import find_stack

if TYPE_CHECKING:
    from modelloop_client.client import Document

MOST_ENTRIES = 10_000


def erase(
    model: Model,
    prediction: Annotated[str, typer.Argument(help="The prediction's id.", show_default=False)],
    row: Annotated[int | None, typer.Option(min=0, help="One row of it, from 0; default: all.")] = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept in the audit log.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Erase a prediction for good: captured rows, labels, index, copies to train on; counts stay."""
    screen, wanted = Screen(as_json=as_json), RowSelection(prediction, row)
    if not dry_run and not reason.strip():
        raise CommandError("an erasure needs its reason", 'Say --reason "…"; the audit log keeps it')
    with Client(find_stack(stack)) as client:
        found = Eraser(client, check_model_name(model), wanted, rehearsal=True).erase()
        before = _erasures(client, model, wanted)
        if not found.anything and not before:
            raise CommandError(
                f"model {model!r} knows no prediction {prediction}",
                "Captures take minutes to arrive, and expire in time; try again when they are there",
            )
        if not dry_run:
            _agree(found, wanted, yes=yes, asked=not as_json)
            found = _erase(client, model, wanted, found, reason)
    versions = sorted({*found.versions, *(version for entry in before for version in entry["detail"]["versions"])})
    told = found._replace(versions=versions)
    document = {"model": model, "prediction": prediction, "row": row, "dry_run": dry_run, **told.to_json()}
    screen.show(document, lambda: _shown(wanted, told, rehearsed=dry_run))


def _erasures(client: Client, model: str, wanted: RowSelection) -> list[Document]:
    """Return the audit entries of earlier erasures of the prediction."""
    digest = erasure_digest(model, wanted.id)
    entries = client.pages(f"/models/{model}/audit", "audit", MOST_ENTRIES)
    return [entry for entry in entries if (entry.get("detail") or {}).get("prediction_sha256") == digest]


def _agree(found: Erased, wanted: RowSelection, *, yes: bool, asked: bool) -> None:
    held = sum(found.counted[name] for name in ("rows", "labels"))
    if not yes and not (asked and typer.confirm(f"Erase {_what(wanted)} ({held} rows and labels) for good?")):
        raise CommandError("nothing was erased", "Say --yes, or answer y")


def _erase(client: Client, model: str, wanted: RowSelection, found: Erased, reason: str) -> Erased:
    """Put it on record, then do it; what an earlier erasure left of old versions goes without a new entry."""
    if found.anything:
        client.act(model, "erasures", prediction=wanted.id, row=wanted.row, versions=found.versions, reason=reason)
    return Eraser(client, model, wanted, rehearsal=False).erase()


def _what(wanted: RowSelection) -> str:
    return f"row {wanted.row} of {wanted.id}" if wanted.row is not None else wanted.id


def _shown(wanted: RowSelection, told: Erased, *, rehearsed: bool) -> str:
    lines = [f"{'would go' if rehearsed else '[green]✓[/] gone'} of {_what(wanted)}:"]
    lines += [f"  {name.replace('_', ' ')}: {count}" for name, count in told.counted.items() if count]
    if told.versions:
        numbers = ", ".join(map(str, told.versions))
        lines.append(f"[yellow]![/] learned from it, and keep what they learned: versions {numbers}")
    if told.runs:
        lines.append(f"[yellow]![/] learn from it now; repeat this when they have ended: runs {', '.join(told.runs)}")
    return "\n".join(lines)
