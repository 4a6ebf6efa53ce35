"""What monitoring found, as the control plane tells it: the newest verdict, what it was before, and one column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from control import distributions
from modelloop.aws.registry import manifests
from modelloop.aws.serving import pointers
from modelloop.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from control.request import Request
    from control.services import Services

type Answer = dict[str, Any]

NO_VERDICT = "no verdict yet: captures take a minute to arrive, and the schedule looks every five"


def get_drift(services: Services, request: Request) -> Answer:
    """Answer the newest drift verdict; with `column`, that column's two distributions; with `limit`, the history."""
    newest = _newest(services, request, "drift", {"rows": 0, "columns": []})
    name = request.query("column") or None
    answer = newest | _history(services, request, "drift", lambda one: _drift_point(one, name))
    if not name:
        return answer
    return answer | {
        "column": distributions.describe(
            services.artifacts, _judged(services, request.model, newest), newest["window"], name
        )
    }


def get_quality(services: Services, request: Request) -> Answer:
    """Answer the newest quality verdict; with `limit`, what it was over time too."""
    newest = _newest(services, request, "quality", {"rows": 0})
    return newest | _history(services, request, "quality", _quality_point)


def _newest(services: Services, request: Request, kind: str, nothing: Answer) -> Answer:
    model = services.registry.get_model(request.model)["name"]
    return services.registry.latest_verdict(model, kind) or {
        "model": model, "version": None, "status": "insufficient_data", "window": None, **nothing,
        "reasons": [NO_VERDICT],
    }  # fmt: skip


def _history(services: Services, request: Request, kind: str, point: Callable[[Answer], Answer]) -> Answer:
    """Return a page of verdicts in short, newest first, when the request asks for one."""
    if not (request.query("limit") or request.query("next")):
        return {}
    page = services.registry.list_verdicts(request.model, kind, **request.page())
    return {"history": [point(one) for one in page.items], "next": page.next}


def _drift_point(verdict: Mapping[str, Any], name: str | None) -> Answer:
    columns = verdict.get("columns") or []
    prediction = verdict.get("prediction")
    watched = [one for one in columns if not one.get("informational")]
    answer = _point(verdict) | {
        "drifted": [one["name"] for one in columns if one.get("drifted")],
        "worst": _distance(max(watched, key=_beyond)) if watched else None,
        "prediction": _distance(prediction) if prediction else None,
    }
    if name is None:
        return answer
    found = next((one for one in [*columns, *([prediction] if prediction else [])] if one["name"] == name), None)
    return answer | {"column": _distance(found) if found else None}


def _quality_point(verdict: Mapping[str, Any]) -> Answer:
    return _point(verdict) | {"coverage": verdict.get("coverage"), "metrics": verdict.get("metrics") or {}}


def _point(verdict: Mapping[str, Any]) -> Answer:
    return {name: verdict.get(name) for name in ("updated_at", "version", "status", "rows", "window")}


def _distance(column: Mapping[str, Any]) -> Answer:
    return {name: column.get(name) for name in ("name", "distance", "threshold", "drifted", "missing", "unseen")}


def _beyond(column: Mapping[str, Any]) -> float:
    return float(column["distance"] / column["threshold"]) if column.get("threshold") else 0.0


def _judged(services: Services, model: str, verdict: Mapping[str, Any]) -> Answer:
    """Return the manifest of the version that the verdict is about; before there is one, of the champion."""
    if verdict["version"] is not None:
        return manifests.read(
            services.artifacts, model, services.registry.get_version(model, verdict["version"])["run_id"]
        )
    pointer, _ = pointers.read(services.artifacts, model)
    if pointer is None or pointer.champion is None:
        raise NotFoundError(f"nothing serves for model {model!r}, so no column is watched", field="model")
    return manifests.read(services.artifacts, model, pointer.champion.run_id)
