"""Where an answer came from: version, run, dataset version, spec, code and lock, and the versions before it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from modelloop.aws.monitoring import prediction_index
from modelloop.aws.registry import manifests
from modelloop.errors import NotFoundError

if TYPE_CHECKING:
    from control.request import Request
    from control.services import Services
    from modelloop.contracts.index_entry import IndexEntry
    from modelloop.contracts.manifest import Manifest
    from modelloop.json_types import JsonValue

type Answer = dict[str, JsonValue]

MAX_ANCESTORS = 20


def get_lineage(services: Services, request: Request) -> Answer:
    """Answer what a prediction id, or one row of it, leads to, back to the object version of the dataset.

    `ancestors` are the versions before, each the one that the next was to succeed, newest first; `started_from` names
    the one whose settings were tried first.
    """
    model = services.registry.get_model(request.model).name
    row = request.row()
    moment, entries = prediction_index.find(services.artifacts, model, request.part("prediction"))
    asked = entries if row is None else _of_row(entries, row)
    answered = asked[0]
    run_id = services.registry.get_version(model, answered.version).run_id
    manifest = manifests.read(services.artifacts, model, run_id)
    return {
        "prediction": answered.id,
        "model": model,
        "time": moment,
        "version": answered.version,
        "run_id": run_id,
        "variant": answered.variant,
        "rows": [_rows(entry) for entry in asked if entry.version == answered.version],
        "others": [{**_rows(entry), "version": entry.version, "variant": entry.variant} for entry in asked
                   if entry.version != answered.version],
        "run": _run(services, model, run_id),
        **_provenance(manifest),
        "ancestors": _ancestors(services, model, manifest),
    }  # fmt: skip


def _provenance(manifest: Manifest) -> Answer:
    """Return what a version was made of and how it was decided on."""
    return {
        "dataset": manifest.dataset.to_json(),
        "spec": manifest.spec.to_json(),
        "cause": manifest.cause,
        "estimator": manifest.estimator.to_json(),
        "environment": asdict(manifest.environment),
        "split": asdict(manifest.split),
        "task": manifest.task,
        "target": manifest.target,
        "gate": manifest.gate.to_json(),
        "created_at": manifest.created_at,
        "started_from": None if manifest.started_from is None else asdict(manifest.started_from),
        "code": manifest.environment.code,
        "lock": manifest.environment.lock,
    }


def _of_row(entries: list[IndexEntry], row: int) -> list[IndexEntry]:
    """Return the entries cut down to one row of the request; each holds the rows from its offset on."""
    of_row = [
        entry.part(row - entry.offset, row - entry.offset + 1)
        for entry in entries
        if 0 <= row - entry.offset < len(entry.predict)
    ]
    if not of_row:
        raise NotFoundError(f"the prediction has no row {row}: the first one is 0", field="row")
    return of_row


def _rows(entry: IndexEntry) -> Answer:
    return {"offset": entry.offset, "predict": entry.predict}


def _run(services: Services, model: str, run_id: str) -> Answer | None:
    """Return the run in short."""
    try:
        run = services.registry.get_run(model, run_id)
    except NotFoundError:
        return None
    return {
        "state": run.state,
        "cause": run.cause,
        "created_at": run.created_at,
        "reason": run.reason,
        "request_id": run.request_id,
        "spec_digest": run.spec_digest,
    }


def _ancestors(services: Services, model: str, manifest: Manifest) -> list[Answer]:
    ancestors: list[Answer] = []
    while len(ancestors) < MAX_ANCESTORS and (before := _before(manifest)):
        try:
            manifest = manifests.read(services.artifacts, model, before)
        except NotFoundError:
            break
        ancestors.append(
            {
                "version": manifest.version,
                "run_id": manifest.run_id,
                "cause": manifest.cause,
                "created_at": manifest.created_at,
                "dataset": manifest.dataset.to_json(),
            }
        )
    return ancestors


def _before(manifest: Manifest) -> str | None:
    """Return the run of the champion that a version was held to, or else of the version that it started from."""
    start = manifest.started_from
    return manifest.compared_with or (None if start is None else start.run_id)
