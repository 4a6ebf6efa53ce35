"""Where an answer came from: prediction, version, run, dataset version, spec, code and lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.aws import manifests, predictions
from modelloop.errors import NotFoundError

if TYPE_CHECKING:
    from control.request import Request
    from modelloop.aws.registry import Registry

TOLD = ("dataset", "spec", "cause", "estimator", "environment", "code", "split", "task", "target", "gate", "created_at")


def get_lineage(registry: Registry, request: Request) -> dict[str, Any]:
    """Answer what a prediction id leads to, back to the object version of the dataset."""
    model = registry.get_model(request.model)["name"]
    moment, entries = predictions.find(model, request.part("prediction"))
    answered = entries[0]
    facts = registry.get_version(model, answered["version"])
    manifest = manifests.read(model, facts["run_id"])
    return {
        "prediction": entries[0]["id"],
        "model": model,
        "time": moment,
        "version": answered["version"],
        "run_id": facts["run_id"],
        "variant": answered["variant"],
        "rows": [_rows(entry) for entry in entries if entry["version"] == answered["version"]],
        "others": [{**_rows(entry), "version": entry["version"], "variant": entry["variant"]} for entry in entries
                   if entry["version"] != answered["version"]],
        "run": _run(registry, model, facts["run_id"]),
        **{name: manifest.get(name) for name in TOLD},
    }  # fmt: skip


def _rows(entry: dict[str, Any]) -> dict[str, Any]:
    return {"offset": entry["offset"], "predict": entry["predict"]}


def _run(registry: Registry, model: str, run_id: str) -> dict[str, Any] | None:
    """Return the run in short; a brought-along model may have none."""
    try:
        run = registry.get_run(model, run_id)
    except NotFoundError:
        return None
    return {"state": run.state, "cause": run.cause, "created_at": run.created_at, "reason": run.reason}
