"""What the control plane tells: facts from the table, roles from the serving pointer, details from stored files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from modelloop import clock, keys
from modelloop.aws.monitoring import summaries
from modelloop.aws.registry import manifests
from modelloop.aws.serving import pointers
from modelloop.aws.storage import LINK_SECONDS
from modelloop.contracts.pointer import PINNED, ROLES
from modelloop.contracts.verdicts import RolloutVerdict
from modelloop.errors import InvalidValueError, NotFoundError
from modelloop.monitoring import windows
from modelloop.rollout import clearance
from modelloop.versions.run import ENDED

if TYPE_CHECKING:
    from control.request import Request
    from control.services import Services
    from modelloop.contracts.model_record import ModelRecord
    from modelloop.contracts.pointer import Pointer
    from modelloop.contracts.version_facts import VersionRecord
    from modelloop.json_types import JsonValue

type Answer = dict[str, JsonValue]

DEFAULT_HOURS = 24
MAX_HOURS = 31 * 24
PARALLEL_READS = 8


def list_models(services: Services, request: Request) -> Answer:
    """Answer a page of models: what serves for each and how it fares, from the table's copies, and its newest run."""
    page = services.registry.list_models(**request.page())
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        runs = pool.map(lambda model: _newest_run(services, model.name), page.items)
        models = [_overview(model, model.serving) | {"run": run} for model, run in zip(page.items, runs, strict=True)]
    return {"models": models, "next": page.next}


def get_model(services: Services, request: Request) -> Answer:
    """Answer one model as the list does, what serves (from the pointer itself) and the judge's last verdict."""
    model = services.registry.get_model(request.model)
    pointer, _ = pointers.read(services.artifacts, request.model)
    verdict = services.registry.latest_verdict(RolloutVerdict, request.model)
    return _overview(model, pointer or model.serving) | {
        "run": _newest_run(services, request.model),
        "serving": pointer.to_json() if pointer else None,
        "judge": verdict.to_json() if verdict else None,
    }


def list_versions(services: Services, request: Request) -> Answer:
    """Answer a page of a model's versions, newest first, each with its role and standing."""
    services.registry.get_model(request.model)
    page = services.registry.list_versions(request.model, **request.page())
    pointer, _ = pointers.read(services.artifacts, request.model)
    return {"versions": [_version(record, pointer) for record in page.items], "next": page.next}


def get_version(services: Services, request: Request) -> Answer:
    """Answer a version's manifest, with its role, its standing and the facts that came later (approved, retired …)."""
    record = services.registry.get_version(request.model, request.version)
    pointer, _ = pointers.read(services.artifacts, request.model)
    manifest = manifests.read(services.artifacts, request.model, record.run_id)
    return record.to_json() | manifest.to_json() | _standing(record, pointer)


def get_report(services: Services, request: Request) -> Answer:
    """Answer a link to a version's report, which opens it for a quarter of an hour."""
    record = services.registry.get_version(request.model, request.version)
    url = _report(services, request.model, record.run_id)
    if url is None:
        raise NotFoundError(f"version {request.version} of model {request.model!r} has no report", field="version")
    return {"url": url, "expires_in": LINK_SECONDS}


def list_runs(services: Services, request: Request) -> Answer:
    """Answer a page of a model's runs, newest first."""
    services.registry.get_model(request.model)
    page = services.registry.list_runs(request.model, **request.page())
    return {"runs": [run.to_json() for run in page.items], "next": page.next}


def get_run(services: Services, request: Request) -> Answer:
    """Answer one run: its state, stage, progress, reason, metrics and gate; once it ended, a link to its report."""
    run = services.registry.get_run(request.model, request.part("run"))
    return run.to_json() | {"report": _report(services, run.model, run.run_id) if run.state in ENDED else None}


def list_audit(services: Services, request: Request) -> Answer:
    """Answer a page of who did what, when and why, newest first."""
    services.registry.get_model(request.model)
    page = services.registry.list_audit(request.model, **request.page())
    return {"audit": [entry.to_json() for entry in page.items], "next": page.next}


def get_summary(services: Services, request: Request) -> Answer:
    """Answer rows, predictions, errors and latency of whole hours, by version (default: the last 24).

    With `hours`, rows and errors hour by hour as well.
    """
    model = services.registry.get_model(request.model).name
    end = _hour(request, "to") or clock.hour_of(clock.now())
    start = _hour(request, "from") or windows.shift(end, 1 - DEFAULT_HOURS)
    hours = windows.span(start, end)
    if not 1 <= hours <= MAX_HOURS:
        raise InvalidValueError(f"from comes before to, by at most {MAX_HOURS} hours", field="from")
    reach = {"from": windows.moment(start), "to": windows.moment(windows.shift(end, 1))}
    stored = list(summaries.between(services.artifacts, model, start, end))
    series = {"hours": windows.series(stored)} if request.query("hours") else {}
    return {"model": model, **reach, **series, **windows.by_version(stored, services.rates)}


def _report(services: Services, model: str, run_id: str) -> str | None:
    """Return a link that opens the report of a run, refused by the gate or not, for a quarter of an hour; or None."""
    key = keys.version(model, run_id, keys.REPORT)
    return services.artifacts.link_to_read(key, "text/html; charset=utf-8") if services.artifacts.head(key) else None


def _hour(request: Request, name: str) -> str | None:
    text = request.query(name)
    if not text:
        return None
    try:
        return clock.hour_of(text)
    except (ValueError, OverflowError) as error:
        raise InvalidValueError(f"{name} is a moment such as 2026-01-31T12:00:00Z", field=name) from error


def _newest_run(services: Services, model: str) -> Answer | None:
    run = next(iter(services.registry.list_runs(model, 1).items), None)
    if run is None:
        return None
    return {
        "run_id": run.run_id,
        "state": run.state,
        "stage": run.stage,
        "percent": run.percent,
        "cause": run.cause,
        "reason": run.reason,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
    }


def _overview(model: ModelRecord, pointer: Pointer | None) -> Answer:
    """Return a model as lists show it; what nothing serves has no role, no weight and no change."""
    refs = {role: getattr(pointer, role) if pointer else None for role in ROLES}
    return {
        "name": model.name,
        **{role: ref.version if ref else None for role, ref in refs.items()},
        "pins": [ref.version for ref in pointer.pins] if pointer else [],
        "weight": pointer.weight if pointer else None,
        "frozen": pointer.frozen if pointer else None,
        "policy": pointer.policy if pointer else None,
        "bake_until": pointer.bake_until if pointer else None,
        "revision": pointer.revision if pointer else None,
        "created_at": model.created_at,
        "updated_at": pointer.updated_at if pointer else model.updated_at,
        "action": pointer.action if pointer else None,
        "who": pointer.who if pointer else None,
        "why": pointer.why if pointer else None,
        "drift": model.drift.to_json() if model.drift else None,
        "quality": model.quality.to_json() if model.quality else None,
    }


def _version(record: VersionRecord, pointer: Pointer | None) -> Answer:
    return record.to_json() | _standing(record, pointer)


def _standing(record: VersionRecord, pointer: Pointer | None) -> Answer:
    return {"role": _role(pointer, record.version), "status": clearance.status(record)}


def _role(pointer: Pointer | None, version: int) -> str | None:
    if pointer is None:
        return None
    refs = {role: getattr(pointer, role) for role in ROLES}
    role = next((role for role, ref in refs.items() if ref is not None and ref.version == version), None)
    return role or (PINNED if any(pin.version == version for pin in pointer.pins) else None)
