"""Where a prediction came from, as a person reads it: one field a line, and the versions before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from rich.console import Group

from modelloop_cli.console import count_noun, make_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from modelloop_client.client import Document

MAX_SHOWN_ROWS = 5


def lineage_view(lineage: Document) -> RenderableType:
    """Return the fields from the prediction to the installed packages, and the earlier versions, newest first."""
    title = f"Prediction {lineage.get('prediction')}"
    parts: list[RenderableType] = [make_table(title, ("field", "value"), _fields(lineage))]
    if ancestors := lineage.get("ancestors"):
        columns = ("version", "run", "cause", "created", "dataset")
        lines = [
            [version.get("version"), version.get("run_id"), version.get("cause"), version.get("created_at"),
             _address(version.get("dataset"))]
            for version in ancestors
        ]  # fmt: skip
        parts.append(make_table("Earlier versions", columns, lines))
    return Group(*parts)


def _fields(lineage: Document) -> Iterator[tuple[str, Any]]:
    dataset, environment, estimator = (lineage.get(name) or {} for name in ("dataset", "environment", "estimator"))
    run = lineage.get("run") or {}
    others = (f"version {other['version']} ({other['variant']})" for other in lineage.get("others") or ())
    yield "prediction", _predictions(lineage.get("rows") or ())
    yield "time", lineage.get("time")
    yield "model", lineage.get("model")
    yield "version", f"{lineage.get('version')}, as {lineage.get('variant')}"
    yield "also predicted by", ", ".join(others)
    yield "estimator", estimator.get("class")
    yield "run", lineage.get("run_id")
    yield "cause", " ".join(filter(None, [lineage.get("cause"), run.get("request_id") and f"({run['request_id']})"]))
    yield "dataset", _address(dataset)
    yield "dataset SHA-256", dataset.get("digest")
    if base := dataset.get("base"):
        yield "made of", f"{_address(base)} and {count_noun(dataset.get('labelled') or 0, 'labelled row')}"
        yield "base table SHA-256", base.get("digest")
    yield "started from", _start(lineage.get("started_from"))
    yield "spec", yaml.safe_dump(_given(lineage.get("spec") or {}), sort_keys=False, allow_unicode=True).strip()
    yield "spec SHA-256", run.get("spec_digest")
    yield "code digest", lineage.get("code")
    yield "packages digest", lineage.get("lock")
    yield "Python", f"{environment.get('python')}, {environment.get('machine')}"


def _predictions(rows: Any) -> str:
    """Return the first predictions, each with the number of its row."""
    predictions = [
        f"row {chunk['offset'] + place}: {prediction}"
        for chunk in rows
        for place, prediction in enumerate(chunk["predict"])
    ]
    more = [f"{len(predictions) - MAX_SHOWN_ROWS} more"] if len(predictions) > MAX_SHOWN_ROWS else []
    return ", ".join([*predictions[:MAX_SHOWN_ROWS], *more])


def _address(dataset: Document | None) -> str | None:
    if not dataset:
        return None
    version = dataset.get("version_id")
    return f"{dataset.get('uri')}, version {version}" if version else dataset.get("uri")


def _start(start: Document | None) -> str | None:
    return f"the settings of version {start['version']}" if start else None


def _given(spec: Document) -> Document:
    """Return the fields of a spec that have a value."""
    return {name: value for name, value in spec.items() if value not in (None, [], {}) and name != "format_version"}
