"""What monitoring found, as the control plane answers it: the newest verdict, what it was before, and one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from control import distributions
from modelloop.aws.registry import manifests
from modelloop.aws.serving import pointers
from modelloop.contracts.quality_verdict import QualityVerdict
from modelloop.contracts.verdicts import INSUFFICIENT, ColumnDrift, DriftVerdict
from modelloop.errors import NotFoundError

if TYPE_CHECKING:
    from control.request import Request
    from control.services import Services
    from modelloop.contracts.manifest import Manifest
    from modelloop.json_types import JsonValue

type Answer = dict[str, JsonValue]

NO_VERDICT = "no verdict yet: captures take a minute to arrive, and the schedule runs every five"


def get_drift(services: Services, request: Request) -> Answer:
    """Answer the newest drift verdict; with `column`, that column's two distributions; with `limit`, the history."""
    model = services.registry.get_model(request.model).name
    verdict = services.registry.latest_verdict(DriftVerdict, model)
    name = request.query("column") or None
    answer = verdict.to_json() if verdict else _no_verdict(model, {"rows": 0, "columns": []})
    if _asks_for_history(request):
        page = services.registry.list_verdicts(DriftVerdict, model, **request.page())
        answer |= {"history": [_drift_point(earlier, name) for earlier in page.items], "next": page.next}
    if name:
        span = verdict.window if verdict else None
        manifest = _judged_manifest(services, model, verdict)
        answer["column"] = distributions.describe(services.artifacts, manifest, span, name)
    return answer


def get_quality(services: Services, request: Request) -> Answer:
    """Answer the newest quality verdict; with `limit`, what it was over time too."""
    model = services.registry.get_model(request.model).name
    verdict = services.registry.latest_verdict(QualityVerdict, model)
    answer = verdict.to_json() if verdict else _no_verdict(model, {"rows": 0})
    if _asks_for_history(request):
        page = services.registry.list_verdicts(QualityVerdict, model, **request.page())
        answer |= {"history": [_quality_point(earlier) for earlier in page.items], "next": page.next}
    return answer


def _no_verdict(model: str, counts: Answer) -> Answer:
    return {
        "model": model, "version": None, "status": INSUFFICIENT, "window": None, **counts, "reasons": [NO_VERDICT],
    }  # fmt: skip


def _asks_for_history(request: Request) -> bool:
    return bool(request.query("limit") or request.query("next"))


def _drift_point(verdict: DriftVerdict, name: str | None) -> Answer:
    watched = [column for column in verdict.columns if not column.informational]
    answer = _point(verdict) | {
        "drifted": [column.name for column in verdict.columns if column.drifted],
        "worst": _column_in_short(max(watched, key=_beyond)) if watched else None,
        "prediction": _column_in_short(verdict.prediction) if verdict.prediction else None,
        "joint": [list(pair.columns) for pair in verdict.joint.pairs] if verdict.joint else [],
    }
    if name is None:
        return answer
    named = (*verdict.columns, *((verdict.prediction,) if verdict.prediction else ()))
    column = next((column for column in named if column.name == name), None)
    return answer | {"column": _column_in_short(column) if column else None}


def _quality_point(verdict: QualityVerdict) -> Answer:
    metrics = {name: figure.to_json() for name, figure in verdict.metrics.items()}
    return _point(verdict) | {"coverage": verdict.coverage, "metrics": metrics}


def _point(verdict: DriftVerdict | QualityVerdict) -> Answer:
    return {
        "updated_at": verdict.updated_at,
        "version": verdict.version,
        "status": verdict.status,
        "rows": verdict.rows,
        "window": verdict.window.to_json() if verdict.window else None,
    }


def _column_in_short(column: ColumnDrift) -> Answer:
    return {
        "name": column.name,
        "distance": column.distance,
        "threshold": column.threshold,
        "drifted": column.drifted,
        "missing": column.missing,
        "unseen": column.unseen,
    }


def _beyond(column: ColumnDrift) -> float:
    return column.distance / column.threshold if column.threshold else 0.0


def _judged_manifest(services: Services, model: str, verdict: DriftVerdict | None) -> Manifest:
    """Return the manifest of the version that the verdict is about; before there is one, of the champion."""
    if verdict is not None:
        run_id = services.registry.get_version(model, verdict.version).run_id
        return manifests.read(services.artifacts, model, run_id)
    pointer, _ = pointers.read(services.artifacts, model)
    if pointer is None or pointer.champion is None:
        raise NotFoundError(f"nothing serves for model {model!r}, so no column is watched", field="model")
    return manifests.read(services.artifacts, model, pointer.champion.run_id)
