"""The template has no circular dependency, and spells names only where a reference would make one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from samcli.yamlhelper import yaml_parse

from modelloop_stack.build.paths import ROOT
from tests.support.template.dependencies import cycle, dependencies
from tests.support.template.resources import ALARM, Resources, of_type, transform_template

if TYPE_CHECKING:
    from collections.abc import Callable

HTTP_FUNCTIONS = ("InferenceFunction", "ControlFunction")
STAGE = {"Ref": "Api.Stage"}


def deployed(change: Callable[[Resources], None] = lambda _: None, *, canary: bool = True) -> Resources:
    """The resources after the transform, with a change made to the source before it."""
    document = yaml_parse((ROOT / "template.yaml").read_text())
    change(document["Resources"])
    made: Resources = transform_template(document, {"CodeCanary": str(canary).lower()})["Resources"]
    return made


def watched(resources: Resources, function: str) -> list[Any]:
    """The alarms that the code canary of a function of the source watches."""
    alarms: list[Any] = resources[function]["Properties"]["DeploymentPreference"]["Alarms"]
    return alarms


def watch_faults(resources: Resources) -> None:
    for function in HTTP_FUNCTIONS:
        watched(resources, function).append({"Ref": "ApiFaults"})


def watch_faults_of_a_referred_stage(resources: Resources) -> None:
    watch_faults(resources)
    resources["ApiFaults"]["Properties"]["Dimensions"][1]["Value"] = STAGE


def watch_an_alarm_of_the_nested_stack(resources: Resources) -> None:
    resources["Alarms"]["Properties"]["Parameters"]["ApiStage"] = STAGE
    watched(resources, "InferenceFunction").append({"Fn::GetAtt": ["Alarms", "Outputs.ApiFaults"]})


def refer_to_the_data_bucket(resources: Resources) -> None:
    variables = resources["TrainingTriggerFunction"]["Properties"]["Environment"]["Variables"]
    variables["MODELLOOP_DATA_BUCKET"] = {"Ref": "DataBucket"}


def permit_the_data_bucket(resources: Resources) -> None:
    (policy,) = resources["TrainingTriggerRole"]["Properties"]["Policies"]
    policy["PolicyDocument"]["Statement"][0]["Resource"] = {"Fn::Sub": "${DataBucket.Arn}/datasets/*"}


def permit_the_capture_bucket(resources: Resources) -> None:
    (statement,) = resources["CaptureQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    statement["Condition"]["ArnEquals"]["aws:SourceArn"] = {"Fn::GetAtt": ["CaptureBucket", "Arn"]}


@pytest.mark.parametrize("canary", [False, True])
def test_nothing_depends_on_itself(canary: bool) -> None:
    assert cycle(deployed(canary=canary)) == []


def test_code_canaries_may_watch_the_faults_of_the_api() -> None:
    assert cycle(deployed(watch_faults)) == []


@pytest.mark.parametrize(
    ("change", "member"),
    [
        (watch_faults_of_a_referred_stage, "ApiFaults"),
        (watch_an_alarm_of_the_nested_stack, "Alarms"),
        (refer_to_the_data_bucket, "TrainingTriggerFunction"),
        (permit_the_data_bucket, "TrainingTriggerRole"),
        (permit_the_capture_bucket, "CaptureQueuePolicy"),
    ],
)
def test_where_a_name_is_spelled_a_reference_would_be_circular(
    change: Callable[[Resources], None], member: str
) -> None:
    assert member in cycle(deployed(change))


def test_bucket_names_are_spelled_nowhere_else() -> None:
    resources = deployed()
    spelled = {name for name, body in resources.items() if "${NamePrefix}-" in json.dumps(body)}
    buckets = set(of_type(resources, "AWS::S3::Bucket"))
    assert spelled - buckets == {"TrainingTriggerFunction", "TrainingTriggerRole", "CaptureQueuePolicy"}


def test_code_canaries_watch_alarms_of_the_template_itself(source: dict[str, Any]) -> None:
    resources = deployed()
    depends = dependencies(resources)
    own = set(of_type(resources, ALARM))
    for function in HTTP_FUNCTIONS:
        named = {alarm["Ref"] for alarm in watched(source["Resources"], function)}
        assert named <= own
        assert named <= depends[f"{function}DeploymentGroup"]
        assert f"{function}DeploymentGroup" in depends[f"{function}Aliaslive"]
    assert own == {"InferenceErrors", "ControlErrors", "ApiFaults"}


@pytest.mark.parametrize("stack", ["Alarms", "Dashboard"])
def test_nothing_depends_on_a_nested_stack(stack: str) -> None:
    assert [name for name, others in dependencies(deployed()).items() if stack in others] == []
