"""What a change of a run stores: the fields that it names, as the run itself stores them."""

from __future__ import annotations

from dataclasses import fields, replace

from modelloop.versions.gate import GateDecision
from modelloop.versions.run import Dataset, Metrics, Plan, PlanLimits, Run, Spent, run_from_json
from modelloop.versions.run_change import KEPT, NO_CHANGE, RunChange

RUN = Run("m", "r", "upload", Dataset("s3://b/k", None, "d", "k", 1), "spec", "2026-11-30T00:00:00.000Z")
WHOLE = RunChange(
    state="SUCCEEDED",
    stage="done",
    percent=100,
    reason="released",
    lease_until="2026-11-30T00:00:01.000Z",
    dataset=replace(RUN.dataset, rows=3, columns=2),
    plan=Plan(3, 2, 4, 1, 0, 512, 9, PlanLimits(1024, 2048, 60)),
    spent=Spent(7, None),
    metrics=Metrics({"rmse": {"value": 1.5, "low": None, "high": None}}, {}, None),
    gate=GateDecision("release", (), (), ("better",)),
    version=4,
    task_reason="regression, because y is a number",
    warnings=["two rows are alike"],
    intake_attempts=2,
    attempts=1,
    decided_at="2026-11-30T00:00:02.000Z",
)


def test_a_change_stores_only_what_it_names() -> None:
    assert NO_CHANGE.to_json() == {}
    assert RunChange(stage="fitting", percent=40).to_json() == {"stage": "fitting", "percent": 40}


def test_none_clears_a_field_and_does_not_keep_it() -> None:
    assert RunChange(reason=None, lease_until=None).to_json() == {"reason": None, "lease_until": None}


def test_what_a_change_stores_is_what_the_changed_run_stores() -> None:
    values = {entry.name: getattr(WHOLE, entry.name) for entry in fields(WHOLE)}
    assert KEPT not in values.values()
    changed = replace(RUN, **values)
    assert RUN.to_json() | WHOLE.to_json() == changed.to_json()
    assert run_from_json(RUN.to_json() | WHOLE.to_json()) == changed


def test_what_a_run_is_made_of_never_changes() -> None:
    fixed = {entry.name for entry in fields(Run)} - {entry.name for entry in fields(RunChange)}
    assert fixed == {"model", "run_id", "cause", "spec_digest", "created_at", "request_id", "updated_at", "created"}
