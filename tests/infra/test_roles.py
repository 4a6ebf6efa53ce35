"""Least privilege: what each function may do, and above all what it may not."""

from __future__ import annotations

import pytest

from tests.support.template.access import Grant, grants, role_of
from tests.support.template.resources import Resources, of_type

FUNCTIONS = (
    "InferenceFunction",
    "ReplayFunction",
    "TrainingTriggerFunction",
    "TrainerFunction",
    "MetricsAggregationFunction",
    "VerdictFunction",
    "ControlFunction",
)
# Every resource, and why nothing narrower exists.
WILDCARDS = {
    "xray:PutTraceSegments": "X-Ray has no resource-level permissions",
    "xray:PutTelemetryRecords": "X-Ray has no resource-level permissions",
}
WRITES = {"s3:PutObject", "s3:DeleteObject"}


def granted(resources: Resources, function: str) -> set[Grant]:
    return grants(resources, role_of(resources, function))


def places(resources: Resources, function: str, actions: set[str]) -> set[str]:
    return {grant.resource for grant in granted(resources, function) if grant.action in actions}


def test_these_are_all_functions(resources: Resources) -> None:
    assert set(of_type(resources, "AWS::Lambda::Function")) == set(FUNCTIONS)


def test_no_two_functions_share_a_role(resources: Resources) -> None:
    assert len({role_of(resources, function) for function in FUNCTIONS}) == len(FUNCTIONS)


def test_no_role_was_made_up_by_the_transform(resources: Resources) -> None:
    named = {role_of(resources, function) for function in FUNCTIONS} | {"StreamsRole"}
    made = set(of_type(resources, "AWS::IAM::Role")) - named
    assert made <= {"CodeDeployServiceRole"}, "only code canaries need one more, on AWS's own terms"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_is_taken_by_lambda_alone_and_has_inline_statements_only(function: str, resources: Resources) -> None:
    properties = resources[role_of(resources, function)]["Properties"]
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert "ManagedPolicyArns" not in properties


@pytest.mark.parametrize("role", [*(function.replace("Function", "Role") for function in FUNCTIONS), "StreamsRole"])
def test_every_wildcard_has_a_reason(role: str, resources: Resources) -> None:
    for grant in grants(resources, role):
        assert "*" not in grant.action, grant
        assert grant.resource != "*" or grant.action in WILDCARDS, grant
        bucket, _, prefix = grant.resource.partition("/")
        assert prefix != "*", f"{grant} covers a whole bucket"
        assert prefix.count("*") == prefix.endswith("/*"), grant
        assert bucket in {"data", "artifacts", "capture"} or not prefix, grant


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_its_own_logs_alone(function: str, resources: Resources) -> None:
    logs = {grant.resource for grant in granted(resources, function) if grant.action.startswith("logs:")}
    group = resources[function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    assert logs == {group}
    assert "RetentionInDays" in resources[group]["Properties"]


@pytest.mark.parametrize("function", ["InferenceFunction", "ReplayFunction"])
def test_the_data_plane_needs_no_table_no_queue_and_no_other_function(function: str, resources: Resources) -> None:
    services = {grant.action.partition(":")[0] for grant in granted(resources, function)}
    assert services <= {"s3", "firehose", "logs", "xray"}


def test_only_three_functions_may_change_what_serves(resources: Resources) -> None:
    allowed = {name for name in FUNCTIONS if "artifacts/serving/*" in places(resources, name, WRITES)}
    assert allowed == {"TrainerFunction", "VerdictFunction", "ControlFunction"}


def test_only_the_trainer_writes_versions(resources: Resources) -> None:
    allowed = {name for name in FUNCTIONS if "artifacts/versions/*" in places(resources, name, WRITES)}
    assert allowed == {"TrainerFunction"}


def test_nothing_that_serves_or_was_uploaded_is_ever_deleted(resources: Resources) -> None:
    deleted = {place for name in FUNCTIONS for place in places(resources, name, {"s3:DeleteObject"})}
    assert deleted == {"artifacts/summaries/*", "artifacts/unjoined/*"}


def test_uploads_are_signed_by_control_and_written_by_nobody_else(resources: Resources) -> None:
    writers = {name for name in FUNCTIONS for place in places(resources, name, WRITES) if place.startswith("data/")}
    assert writers == {"ControlFunction"}


def test_the_capture_bucket_is_written_by_the_streams_alone(resources: Resources) -> None:
    writers = {name for name in FUNCTIONS for place in places(resources, name, WRITES) if place.startswith("capture/")}
    assert writers == set()
    streams = {grant.resource for grant in grants(resources, "StreamsRole") if grant.action == "s3:PutObject"}
    assert streams == {"capture/captures/*", "capture/feedback/*", "capture/errors/*"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_missing_key_is_told_as_missing_wherever_keys_are_read(function: str, resources: Resources) -> None:
    read = {place.partition("/")[0] for place in places(resources, function, {"s3:GetObject", "s3:GetObjectVersion"})}
    assert read == places(resources, function, {"s3:ListBucket"})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_conditional_write_may_read_what_it_replaces(function: str, resources: Resources) -> None:
    if "artifacts/serving/*" in places(resources, function, WRITES):
        assert "artifacts/serving/*" in places(resources, function, {"s3:GetObject"})


def test_invocations_are_the_three_that_the_design_names(resources: Resources) -> None:
    calls = {(name, place) for name in FUNCTIONS for place in places(resources, name, {"lambda:InvokeFunction"})}
    assert calls == {
        ("TrainerFunction", "ReplayFunction"),
        ("VerdictFunction", "TrainingTriggerFunction"),
        ("ControlFunction", "TrainingTriggerFunction"),
    }
