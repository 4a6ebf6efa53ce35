"""Where a prediction came from, as a person reads it: one fact a line, and the versions before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Group

from modelloop_cli.screen import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from modelloop_client.client import Document

SHOWN_ROWS = 5


def lineage_view(found: Document) -> RenderableType:
    """Return the facts from prediction to lock, and the versions before, newest first."""
    parts: list[RenderableType] = [table(f"Prediction {found.get('prediction')}", ("what", "which"), _facts(found))]
    if before := found.get("ancestors"):
        columns = ("version", "run", "cause", "made", "dataset")
        lines = [[one.get("version"), one.get("run_id"), one.get("cause"), one.get("created_at"),
                  _object(one.get("dataset"))] for one in before]  # fmt: skip
        parts.append(table("Versions before it", columns, lines))
    return Group(*parts)


def _facts(found: Document) -> Iterator[tuple[str, Any]]:
    dataset, environment, estimator = (found.get(name) or {} for name in ("dataset", "environment", "estimator"))
    run = found.get("run") or {}
    yield "answered", _answers(found.get("rows") or ())
    yield "time", found.get("time")
    yield "model", found.get("model")
    yield "version", f"{found.get('version')}, as {found.get('variant')}"
    yield (
        "also answered by",
        ", ".join(f"version {one['version']} ({one['variant']})" for one in found.get("others") or ()),
    )
    yield "estimator", estimator.get("class")
    yield "run", found.get("run_id")
    yield "cause", " ".join(filter(None, [found.get("cause"), run.get("request_id") and f"({run['request_id']})"]))
    yield "dataset", _object(dataset)
    yield "its digest", dataset.get("digest")
    if base := dataset.get("base"):
        yield "made of", f"{_object(base)} and {dataset.get('labelled')} labelled rows"
        yield "its digest", base.get("digest")
    yield "began", _start(found.get("started_from"))
    yield "spec", yaml.safe_dump(_asked(found.get("spec") or {}), sort_keys=False, allow_unicode=True).strip()
    yield "its digest", run.get("spec_digest")
    yield "code", found.get("code")
    yield "lock", found.get("lock")
    yield "on", f"Python {environment.get('python')}, {environment.get('machine')}"


def _answers(rows: Any) -> str:
    """Return the first answers, each with the place of its row."""
    answers = [
        f"row {chunk['offset'] + place}: {said}" for chunk in rows for place, said in enumerate(chunk["predict"])
    ]
    more = [f"{len(answers) - SHOWN_ROWS} more"] if len(answers) > SHOWN_ROWS else []
    return ", ".join([*answers[:SHOWN_ROWS], *more])


def _object(dataset: Document | None) -> str | None:
    if not dataset:
        return None
    version = dataset.get("version_id")
    return f"{dataset.get('uri')}, version {version}" if version else dataset.get("uri")


def _start(start: Document | None) -> str | None:
    return f"with the settings of version {start['version']}" if start else None


def _asked(spec: Document) -> Document:
    """Return what a spec really asks for: what is empty asks for nothing."""
    return {name: value for name, value in spec.items() if value not in (None, [], {}) and name != "format_version"}
