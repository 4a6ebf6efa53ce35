"""What the control plane tells: facts from the table, roles from the serving pointer, details from stored files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from modelloop import clock, keys
from modelloop.aws.monitoring import summaries
from modelloop.aws.registry import manifests
from modelloop.aws.serving import pointers
from modelloop.aws.storage import LINK_SECONDS
from modelloop.errors import InvalidValueError, NotFoundError
from modelloop.monitoring import windows
from modelloop.rollout import clearance
from modelloop.versions.run import ENDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from control.request import Request
    from control.services import Services
    from modelloop.contracts.pointer import Pointer

type Answer = dict[str, Any]

ROLES = ("champion", "challenger", "shadow", "previous")
DEFAULT_HOURS = 24
MOST_HOURS = 31 * 24
PARALLEL_READS = 8
_HIDDEN = frozenset({"touched"})
_RUN_IN_SHORT = ("run_id", "state", "stage", "percent", "cause", "reason", "created_at", "updated_at")


def list_models(services: Services, request: Request) -> Answer:
    """Answer a page of models: what serves for each and how it fares, from the table's copies, and its newest run."""
    page = services.registry.list_models(**request.page())
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        runs = pool.map(lambda item: _newest_run(services, item["name"]), page.items)
        models = [_overview(item) | {"run": run} for item, run in zip(page.items, runs, strict=True)]
    return {"models": models, "next": page.next}


def get_model(services: Services, request: Request) -> Answer:
    """Answer one model as the list does, what serves (from the pointer itself) and what the judge last said."""
    known = services.registry.get_model(request.model)
    pointer, _ = pointers.read(services.artifacts, request.model)
    serving = pointer.to_json() if pointer else {}
    judged = services.registry.latest_verdict(request.model, "judge")
    run = _newest_run(services, request.model)
    return _overview({**known, **serving}) | {"run": run, "serving": serving or None, "judge": judged}


def list_versions(services: Services, request: Request) -> Answer:
    """Answer a page of a model's versions, newest first, each with its role and standing."""
    services.registry.get_model(request.model)
    page = services.registry.list_versions(request.model, **request.page())
    pointer, _ = pointers.read(services.artifacts, request.model)
    return {"versions": [_version(item, pointer) for item in page.items], "next": page.next}


def get_version(services: Services, request: Request) -> Answer:
    """Answer a version's manifest, with its role, its standing and the facts that came later (approved, retired …)."""
    facts = services.registry.get_version(request.model, request.version)
    pointer, _ = pointers.read(services.artifacts, request.model)
    known = _version(facts, pointer)
    standing = {name: known[name] for name in ("role", "status")}
    return known | manifests.read(services.artifacts, request.model, facts["run_id"]) | standing


def get_report(services: Services, request: Request) -> Answer:
    """Answer a link to a version's report, which opens it for a quarter of an hour."""
    facts = services.registry.get_version(request.model, request.version)
    url = _report(services, request.model, facts["run_id"])
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
    return {"audit": page.items, "next": page.next}


def get_summary(services: Services, request: Request) -> Answer:
    """Answer rows, predictions, errors and latency of whole hours, by version (default: the last 24).

    With `hours`, rows and errors hour by hour as well.
    """
    model = services.registry.get_model(request.model)["name"]
    end = _hour(request, "to") or windows.hour_of(clock.now())
    start = _hour(request, "from") or windows.shift(end, 1 - DEFAULT_HOURS)
    hours = windows.span(start, end)
    if not 1 <= hours <= MOST_HOURS:
        raise InvalidValueError(f"from comes before to, by at most {MOST_HOURS} hours", field="from")
    reach = {"from": windows.moment(start), "to": windows.moment(windows.shift(end, 1))}
    found = list(summaries.between(services.artifacts, model, start, end))
    series = {"hours": windows.series(found)} if request.query("hours") else {}
    return {"model": model, **reach, **series, **windows.by_version(found, services.rates)}


def _report(services: Services, model: str, run_id: str) -> str | None:
    """Return a link that opens the report of a run, refused by the gate or not, for a quarter of an hour; or None."""
    key = keys.version(model, run_id, keys.REPORT)
    return services.artifacts.link_to_read(key, "text/html; charset=utf-8") if services.artifacts.head(key) else None


def _hour(request: Request, name: str) -> str | None:
    text = request.query(name)
    if not text:
        return None
    try:
        return windows.hour_of(text)
    except (ValueError, OverflowError) as error:
        raise InvalidValueError(f"{name} is a moment such as 2026-01-31T12:00:00Z", field=name) from error


def _newest_run(services: Services, model: str) -> Answer | None:
    run = next(iter(services.registry.list_runs(model, 1).items), None)
    return {name: getattr(run, name) for name in _RUN_IN_SHORT} if run else None


def _overview(item: Mapping[str, Any]) -> Answer:
    plain = ("weight", "frozen", "policy", "bake_until", "revision", "created_at", "updated_at", "action", "who", "why",
             "drift", "quality")  # fmt: skip
    numbers = {role: (item.get(role) or {}).get("version") for role in ROLES}
    pins = [ref["version"] for ref in item.get("pins") or ()]
    return {"name": item["name"], **numbers, "pins": pins, **{name: item.get(name) for name in plain}}


def _version(facts: Mapping[str, Any], pointer: Pointer | None) -> Answer:
    shown = {name: value for name, value in facts.items() if name not in _HIDDEN}
    return shown | {"role": _role(pointer, facts["version"]), "status": clearance.status(facts)}


def _role(pointer: Pointer | None, version: int) -> str | None:
    if pointer is None:
        return None
    held = {role: getattr(pointer, role) for role in ROLES}
    role = next((role for role, ref in held.items() if ref is not None and ref.version == version), None)
    return role or ("pinned" if any(pin.version == version for pin in pointer.pins) else None)
