"""What the functions really called, in the whole loop, is inside what their roles grant.

The emulator checks no permissions, so the calls that it saw are held against the template. Runs last.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from modelloop_cli.console import Console
from modelloop_cli.demo import job
from modelloop_client.stacks import Stack
from tests.support.template.access import grants, role_of
from tests.support.template.resources import transformed

if TYPE_CHECKING:
    from pathlib import Path

    from modelloop_stack.info import StackInfo

SERVICES = {
    "DynamoDB_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "AWSEvents": "events",
    "Firehose_20150804": "firehose",
}
# Actions that the service checks for each item of a transaction.
TRANSACTIONS = {
    "dynamodb:TransactWriteItems": {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"}
}
OBJECT_ACTIONS = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "POST": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}
QUEUE_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
DATA_PLANE = {"inference", "replay"}
CALLERS = {
    "inference": "InferenceFunction",
    "replay": "ReplayFunction",
    "training-trigger": "TrainingTriggerFunction",
    "trainer": "TrainerFunction",
    "metrics-aggregation": "MetricsAggregationFunction",
    "verdicts": "VerdictFunction",
    "control": "ControlFunction",
}
# The two clients of the data plane that are not the SDK name no function: the first serves both of its functions.
UNNAMED = {"object_store": DATA_PLANE, "signer": {"inference"}}
# Granted, and not always used by the main job, and why.
POLLER = "the queue's poller acts with the function's role"
MISSING_KEY = "without it a missing key looks forbidden"
CONTROL = "a person's action, not part of the main job"
REASONS = {
    **{("trainer", action, "RunsQueue"): POLLER for action in QUEUE_ACTIONS},
    **{("metrics-aggregation", action, "CaptureQueue"): POLLER for action in QUEUE_ACTIONS},
    **{(caller, "s3:ListBucket", "artifacts"): MISSING_KEY for caller in CALLERS},
    ("training-trigger", "s3:ListBucket", "data"): MISSING_KEY,
    ("metrics-aggregation", "s3:ListBucket", "capture"): MISSING_KEY,
    ("verdicts", "s3:ListBucket", "capture"): MISSING_KEY,
    ("training-trigger", "s3:GetObject", "data/models/*"): "models that are brought",
    ("training-trigger", "s3:GetObjectVersion", "data/models/*"): "models that are brought",
    ("training-trigger", "sqs:SendMessage", "TriggerFailures"): "Lambda writes the failure destination with this role",
    ("metrics-aggregation", "s3:PutObject", "artifacts/quarantine/*"): "lines that cannot be read",
    ("verdicts", "s3:PutObject", "artifacts/serving/*"): "promotion and rollback by the judge",
    ("verdicts", "s3:PutObject", "artifacts/summaries/*"): "closed hours are compacted",
    ("verdicts", "s3:DeleteObject", "artifacts/summaries/*"): "closed hours are compacted",
    ("verdicts", "s3:DeleteObject", "artifacts/unjoined/*"): "labels that waited are joined",
    ("verdicts", "events:PutEvents", "EventBus"): "only when there is something to tell",
    ("verdicts", "lambda:InvokeFunction", "TrainingTriggerFunction"): "only when a retraining is due",
    ("training-trigger", "s3:GetObject", "artifacts/labelled/*"): "only for a retraining",
    ("training-trigger", "s3:PutObject", "artifacts/derived/*"): "only for a retraining",
    ("training-trigger", "s3:GetObject", "artifacts/parts/*"): "only for a folder of part files",
    ("training-trigger", "s3:PutObject", "artifacts/parts/*"): "only for a folder of part files",
    ("training-trigger", "s3:GetObject", "artifacts/serving/*"): "only for a retraining",
    ("training-trigger", "s3:ListBucket", "artifacts"): "only for a retraining",
    ("control", "dynamodb:PutItem", "Table"): CONTROL,
    ("control", "dynamodb:UpdateItem", "Table"): CONTROL,
    ("control", "lambda:InvokeFunction", "TrainingTriggerFunction"): CONTROL,
    ("control", "s3:GetObject", "artifacts/index/*"): CONTROL,
    ("control", "s3:GetObject", "artifacts/serving/*"): CONTROL,
    ("control", "s3:GetObject", "artifacts/versions/*"): CONTROL,
    ("control", "s3:PutObject", "artifacts/serving/*"): CONTROL,
    ("control", "s3:PutObject", "data/datasets/*"): "a presigned upload carries the signer's rights",
    ("control", "s3:PutObject", "data/models/*"): "a presigned upload carries the signer's rights",
}
OF_EVERY_FUNCTION = ("logs:", "xray:")
type Need = tuple[frozenset[str], str, str]


def needs(call: list[Any]) -> set[Need]:
    """Who needs which action where, `bucket/prefix` for objects and nothing for the rest."""
    caller, method, target, place, flags = call
    callers = frozenset(UNNAMED.get(caller, {caller}))
    if target:
        service, _, operation = target.partition(".")
        action = f"{SERVICES[service]}:{operation}"
        return {(callers, each, "") for each in TRANSACTIONS.get(action, {action})}
    if place.startswith("2015-03-31/functions"):
        return {(callers, "lambda:InvokeFunction", "")}
    bucket, _, prefix = place.partition("/")
    word = bucket.split("-")[1]
    if not prefix:
        return {(callers, "s3:ListBucket", word)}
    action = OBJECT_ACTIONS[method] + ("Version" if method in {"GET", "HEAD"} and "versionId" in flags else "")
    return {(callers, action, f"{word}/{prefix}/*")}


@pytest.fixture(scope="module")
def used(stack: StackInfo, state: Path) -> set[Need]:
    recorded = state / "calls.jsonl"
    if not {"trainer", "verdicts", "control"} <= _callers(recorded):
        job.run(
            Console(notes_to_stdout=True), Stack(**{field.name: getattr(stack, field.name) for field in fields(Stack)})
        )
    calls = [json.loads(line) for line in recorded.read_text().splitlines()]
    return {need for call in calls for need in needs(call)}


def _callers(recorded: Path) -> set[str]:
    if not recorded.exists():
        return set()
    return {json.loads(line)[0] for line in recorded.read_text().splitlines()}


@pytest.fixture(scope="module")
def granted() -> dict[str, set[tuple[str, str]]]:
    resources = transformed()["Resources"]
    return {
        caller: {(grant.action, grant.resource) for grant in grants(resources, role_of(resources, function))}
        for caller, function in CALLERS.items()
    }


def test_the_whole_loop_was_seen(used: set[Need]) -> None:
    seen = {caller for callers, _, _ in used for caller in callers}
    assert seen == set(CALLERS)
    assert {action.partition(":")[0] for _, action, _ in used} >= {"s3", "dynamodb", "sqs", "firehose", "lambda"}


def test_every_call_is_granted(used: set[Need], granted: dict[str, set[tuple[str, str]]]) -> None:
    missing = {
        (sorted(callers), action, place)
        for callers, action, place in used
        if not any(_allows(granted[caller], action, place) for caller in callers)
    }
    assert missing == set()


def _allows(allowed: set[tuple[str, str]], action: str, place: str) -> bool:
    return (action, place) in allowed if place else action in {name for name, _ in allowed}


def test_every_grant_is_used_or_has_a_reason(used: set[Need], granted: dict[str, set[tuple[str, str]]]) -> None:
    held = {(caller, *grant) for caller, grants_ in granted.items() for grant in grants_}
    held = {grant for grant in held if not grant[1].startswith(OF_EVERY_FUNCTION)}
    assert {grant for grant in held if not _is_used(grant, used)} - set(REASONS) == set()
    assert set(REASONS) - held == set(), "these reasons speak of grants that are gone"


def _is_used(grant: tuple[str, str, str], used: set[Need]) -> bool:
    caller, action, resource = grant
    return any(caller in callers and action == needed and place in {"", resource} for callers, needed, place in used)
