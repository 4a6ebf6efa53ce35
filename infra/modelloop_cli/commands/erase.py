"""Erase what is stored of a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelloop.captures.erasure import RowSelection
from modelloop.ids import check_model_name, erasure_digest
from modelloop_cli.console import Console, Json, Model, StackName, count_noun
from modelloop_cli.erasing.eraser import Erased, Eraser
from modelloop_client.client import Client
from modelloop_client.failures import CommandError
from modelloop_client.stacks import find_stack

if TYPE_CHECKING:
    from modelloop_client.client import Document

MAX_ENTRIES = 10_000


def erase(
    model: Model,
    prediction: Annotated[str, typer.Argument(help="Id of the prediction.", show_default=False)],
    row: Annotated[int | None, typer.Option(min=0, help="One row of it, counted from 0; default: all rows.")] = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it is stored in the audit log.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be erased, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Erase a prediction for good: captured rows, labels, index and stored training rows; counts stay.

    Look first with --dry-run. Versions that learned from it are named, so that you can retire them.
    """
    console, selection = Console(as_json=as_json), RowSelection(prediction, row)
    if not dry_run and not reason.strip():
        raise CommandError("an erasure needs a reason", 'Give --reason "…"; it is stored in the audit log')
    with Client(find_stack(stack)) as client:
        erased = Eraser(client, check_model_name(model), selection, rehearsal=True).erase()
        before = _earlier_erasures(client, model, selection)
        if not erased.anything and not before:
            raise CommandError(
                f"model {model!r} has no prediction {prediction}",
                "Captures take minutes to arrive and expire in time; try again later if it was made just now",
            )
        if not dry_run:
            _confirm(erased, selection, yes=yes, ask=not as_json)
            erased = _record_and_erase(client, model, selection, erased, reason)
    versions = sorted({*erased.versions, *(version for entry in before for version in entry["detail"]["versions"])})
    result = erased._replace(versions=versions)
    document = {"model": model, "prediction": prediction, "row": row, "dry_run": dry_run, **result.to_json()}
    console.show(document, lambda: _describe(selection, result, dry_run=dry_run))


def _earlier_erasures(client: Client, model: str, selection: RowSelection) -> list[Document]:
    """Return the audit entries of earlier erasures of the prediction."""
    digest = erasure_digest(model, selection.id)
    entries = client.pages(f"/models/{model}/audit", "audit", MAX_ENTRIES)
    return [entry for entry in entries if (entry.get("detail") or {}).get("prediction_sha256") == digest]


def _confirm(erased: Erased, selection: RowSelection, *, yes: bool, ask: bool) -> None:
    """Ask the person; raise CommandError unless the answer, or `yes`, agrees."""
    counts = (("rows", "row"), ("labels", "label"))
    amounts = " and ".join(count_noun(erased.counted[name], noun) for name, noun in counts)
    if not yes and not (ask and typer.confirm(f"Erase {_name(selection)} ({amounts}) for good?")):
        raise CommandError("nothing was erased", "Answer y, or give --yes")


def _record_and_erase(client: Client, model: str, selection: RowSelection, erased: Erased, reason: str) -> Erased:
    """Record the erasure, then do it; when only old versions of objects are left of an earlier one, add no entry."""
    if erased.anything:
        client.act(
            model, "erasures", prediction=selection.id, row=selection.row, versions=erased.versions, reason=reason
        )
    return Eraser(client, model, selection, rehearsal=False).erase()


def _name(selection: RowSelection) -> str:
    return f"row {selection.row} of {selection.id}" if selection.row is not None else selection.id


def _describe(selection: RowSelection, erased: Erased, *, dry_run: bool) -> str:
    lines = [f"{'Would erase from' if dry_run else '[green]✓[/] Erased from'} {_name(selection)}:"]
    lines += [f"  {name.replace('_', ' ')}: {count:,}" for name, count in erased.counted.items() if count]
    if len(lines) == 1:
        lines.append("  nothing: it was erased before")
    if erased.versions:
        numbers = ", ".join(map(str, erased.versions))
        lines.append(f"[yellow]![/] These versions learned from it and keep what they learned: {numbers}")
    if erased.runs:
        runs = ", ".join(erased.runs)
        lines.append(f"[yellow]![/] These runs learn from it now; repeat the command when they have ended: {runs}")
    return "\n".join(lines)
