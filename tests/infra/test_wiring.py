"""Functions, queues, streams, alarms: everything refers to what exists, and nothing is lost silently."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest

from modelloop.aws.settings import Settings
from modelloop_cli.dead_letters import ROUTES
from modelloop_stack.build.paths import ROOT
from tests.benchmarks.monitoring import results
from tests.support.template.buckets import mappings
from tests.support.template.closure import modules, settings_read
from tests.support.template.handlers import HANDLERS, variables
from tests.support.template.resources import Resources, all_alarms, of_type, transformed
from training_trigger.intake import MAX_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

DEAD_LETTERS = ("RunsDeadLetters", "CaptureDeadLetters", "TriggerFailures")
GIVEN_UP_TO = (".deadLetterTargetArn", "DeadLetterConfig.TargetArn", "DeadLetterConfig.Arn", "OnFailure.Destination")
PREFIX = "MODELLOOP_"
SETTINGS = {name.upper() for name in Settings._fields}
# What CloudWatch calls the dimension, and which attribute of the resource it means.
DIMENSIONS = {
    "FunctionName": ("AWS::Lambda::Function", "Ref"),
    "QueueName": ("AWS::SQS::Queue", "Fn::GetAtt"),
    "DeliveryStreamName": ("AWS::KinesisFirehose::DeliveryStream", "Ref"),
    "TableName": ("AWS::DynamoDB::Table", "Ref"),
}
OUTPUTS = {
    *("ApiUrl", "ApiKeyId", "DataBucket", "ArtifactsBucket", "CaptureBucket"),
    *("Table", "RunsQueueUrl", "TriggerFunction", "VerdictFunction", "InferenceFunction"),
}


@pytest.mark.parametrize(("function", "expected"), HANDLERS.items())
def test_a_function_has_its_handler_and_its_layers_alone(
    function: str, expected: tuple[str, list[str]], source: dict[str, Any]
) -> None:
    properties = source["Resources"][function]["Properties"]
    handler, layers = expected
    assert properties["Handler"] == handler
    assert [layer["Ref"] for layer in properties["Layers"]] == layers


@pytest.mark.parametrize("function", HANDLERS)
def test_the_handler_exists_and_takes_an_event_and_a_context(function: str) -> None:
    module, _, name = HANDLERS[function][0].rpartition(".")
    tree = ast.parse((ROOT / "functions" / f"{module.replace('.', '/')}.py").read_text())
    (found,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    assert [argument.arg.lstrip("_") for argument in found.args.args] == ["event", "context"]


def test_everything_is_built_with_bytecode(source: dict[str, Any]) -> None:
    for resource in source["Resources"].values():
        if resource["Type"].startswith("AWS::Serverless::") and resource["Type"] != "AWS::Serverless::Api":
            assert resource["Metadata"] == {"BuildMethod": "makefile"}


@pytest.mark.parametrize("function", HANDLERS)
def test_a_function_is_told_every_setting_that_its_code_reads(function: str, resources: Resources) -> None:
    told = {name.removeprefix(PREFIX) for name in variables(resources, function) if name.startswith(PREFIX)}
    assert settings_read(HANDLERS[function][0], SETTINGS) <= told <= SETTINGS


def test_every_setting_reaches_a_function(resources: Resources) -> None:
    told = {name for function in HANDLERS for name in variables(resources, function) if name.startswith(PREFIX)}
    assert told == {f"{PREFIX}{name}" for name in SETTINGS}


def test_the_closure_really_follows_imports() -> None:
    reached = {path.relative_to(ROOT / "functions").as_posix() for path in modules("trainer.handler.handler")}
    assert {"trainer/handler.py", "modelloop/aws/registry/registry.py", "modelloop/aws/settings.py"} <= reached
    assert not any(path.startswith(("inference/", "control/")) for path in reached)


@pytest.mark.parametrize("function", HANDLERS)
def test_every_function_says_who_it_is_to_the_same_namespace(function: str, resources: Resources) -> None:
    told = variables(resources, function)
    assert told["POWERTOOLS_METRICS_NAMESPACE"] == {"Ref": "AWS::StackName"}
    assert told["POWERTOOLS_SERVICE_NAME"]


def test_queued_work_leaves_room_for_predictions_in_an_account_of_ten(resources: Resources) -> None:
    bounds = [
        one["Properties"].get("ScalingConfig", {}).get("MaximumConcurrency", 1_000)
        for one in of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    ]
    assert min(bounds) >= 2  # the least that AWS takes
    assert sum(bounds) <= 6


def test_methods_have_no_metrics_of_their_own(resources: Resources) -> None:
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    assert [one["MetricsEnabled"] for one in stage["Properties"]["MethodSettings"]] == [False]


@pytest.mark.parametrize("function", ["InferenceFunction", "ControlFunction"])
def test_the_code_canary_sees_answers_of_500_beside_crashes(function: str, source: dict[str, Any]) -> None:
    settings = source["Resources"][function]["Properties"]["DeploymentPreference"]
    assert {"Ref": "ApiFaults"} in settings["Alarms"]


def test_runs_are_first_in_first_out_one_at_a_time(resources: Resources) -> None:
    queue = resources["RunsQueue"]["Properties"]
    assert queue["FifoQueue"] is True
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 3
    (mapping,) = mappings(resources, "RunsQueue")
    assert mapping["FunctionName"] == {"Ref": "TrainerFunction"}
    assert (mapping["BatchSize"], mapping["FunctionResponseTypes"]) == (1, ["ReportBatchItemFailures"])


@pytest.mark.parametrize(("queue", "function"), [("RunsQueue", "Trainer"), ("CaptureQueue", "MetricsAggregation")])
def test_a_message_stays_hidden_as_long_as_its_function_may_run(
    queue: str, function: str, resources: Resources
) -> None:
    timeout = resources[f"{function}Function"]["Properties"]["Timeout"]
    assert resources[queue]["Properties"]["VisibilityTimeout"] >= timeout + 30


def test_throughput_and_memory_are_measured_against_what_is_deployed(resources: Resources) -> None:
    function = resources["MetricsAggregationFunction"]["Properties"]
    (mapping,) = mappings(resources, "CaptureQueue")
    deployed = function["MemorySize"], function["Timeout"], mapping["BatchSize"]
    assert deployed == (results.MEMORY, results.TIMEOUT, results.BATCH)


def test_captures_stay_hidden_through_a_throttled_batch(resources: Resources) -> None:
    """What AWS asks of a queue with a batching window: six times the timeout, and the window."""
    (mapping,) = mappings(resources, "CaptureQueue")
    window = max(option for option in mapping["MaximumBatchingWindowInSeconds"]["Fn::If"] if isinstance(option, int))
    timeout = resources["MetricsAggregationFunction"]["Properties"]["Timeout"]
    assert resources["CaptureQueue"]["Properties"]["VisibilityTimeout"] >= 6 * timeout + window


@pytest.mark.parametrize("queue", ["RunsQueue", "CaptureQueue"])
def test_what_fails_too_often_is_kept_for_two_weeks(queue: str, resources: Resources) -> None:
    target = resources[queue]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert target in DEAD_LETTERS
    assert resources[target]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert resources[target]["Properties"].get("FifoQueue") == resources[queue]["Properties"].get("FifoQueue")


def test_an_upload_that_always_fails_is_kept(resources: Resources) -> None:
    configs = {
        body["Properties"]["FunctionName"]["Ref"]: body["Properties"]
        for body in of_type(resources, "AWS::Lambda::EventInvokeConfig").values()
    }
    destination = configs["TrainingTriggerFunction"]["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination == {"Fn::GetAtt": ["TriggerFailures", "Arn"]}
    assert configs["TrainingTriggerFunction"]["MaximumRetryAttempts"] == MAX_ATTEMPTS - 1


def test_every_queue_is_encrypted(resources: Resources) -> None:
    assert {body["Properties"]["SqsManagedSseEnabled"] for body in of_type(resources, "AWS::SQS::Queue").values()} == {
        True
    }


def test_the_table_keeps_its_history_and_outlives_the_stack(resources: Resources) -> None:
    (table,) = of_type(resources, "AWS::DynamoDB::Table").values()
    assert table["DeletionPolicy"] == "RetainExceptOnCreate"
    properties = table["Properties"]
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["TimeToLiveSpecification"]["Enabled"] is True
    assert [key["AttributeName"] for key in properties["KeySchema"]] == ["pk", "sk"]


@pytest.mark.parametrize(("stream", "prefix"), [("CaptureStream", "captures/"), ("FeedbackStream", "feedback/")])
def test_a_stream_delivers_where_its_consumer_looks(stream: str, prefix: str, resources: Resources) -> None:
    destination = resources[stream]["Properties"]["ExtendedS3DestinationConfiguration"]
    assert destination["Prefix"] == prefix
    assert destination["BucketARN"] == {"Fn::GetAtt": ["CaptureBucket", "Arn"]}
    assert destination["RoleARN"] == {"Fn::GetAtt": ["StreamsRole", "Arn"]}


@pytest.mark.parametrize("name", all_alarms(transformed()["Resources"]))
def test_an_alarm_watches_a_resource_that_exists_and_tells_people(
    name: str, resources: Resources, alarms: Resources
) -> None:
    properties = alarms[name]["Properties"]
    assert properties["AlarmActions"] == [{"Ref": "AlertTopic"}]
    assert properties["Dimensions"]
    for dimension in properties["Dimensions"]:
        if dimension["Name"] in {"ApiName", "Stage", "Operation", "service"}:
            continue
        kind, reference = DIMENSIONS[dimension["Name"]]
        value = dimension["Value"][reference]
        assert resources[value if isinstance(value, str) else value[0]]["Type"] == kind


def test_the_api_alarm_names_the_api_and_its_stage_as_they_are_named(resources: Resources, alarms: Resources) -> None:
    api, stage = alarms["ApiFaults"]["Properties"]["Dimensions"]
    assert api == {"Name": "ApiName", "Value": resources["Api"]["Properties"]["Body"]["info"]["title"]}
    (deployed,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    assert stage == {"Name": "Stage", "Value": deployed["Properties"]["StageName"]}


def test_no_alarm_has_a_fixed_name(alarms: Resources) -> None:
    """An update that moves an alarm between templates creates the new one before it deletes the old one."""
    assert [name for name, body in alarms.items() if "AlarmName" in body["Properties"]] == []


def test_every_dead_letter_queue_has_its_way_back(template: dict[str, Any]) -> None:
    told = {name: one["Value"]["Ref"] for name, one in template["Outputs"].items() if "Ref" in one["Value"]}
    routes = {told[route.dead]: (told[route.source], route.function) for route in ROUTES.values()}

    assert dict(dead_ends(template["Resources"])) == routes
    assert set(routes) == set(DEAD_LETTERS)


def dead_ends(resources: Resources) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Yield every queue that takes what was given up, with what gives it up, and whether that is a function."""
    for name, body in resources.items():
        for key, target in given_up_to(body["Properties"]):
            owner = body["Properties"].get("FunctionName", {"Ref": name})["Ref"]
            yield target["Fn::GetAtt"][0], (owner, key != "deadLetterTargetArn")


def given_up_to(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every target under a name that CloudFormation gives to the place of what failed."""
    if isinstance(value, dict):
        for key, part in value.items():
            place = f"{path}.{key}"
            if place.endswith(GIVEN_UP_TO):
                yield key, part
            else:
                yield from given_up_to(part, place)
    elif isinstance(value, list):
        for part in value:
            yield from given_up_to(part, path)


@pytest.mark.parametrize("queue", DEAD_LETTERS)
def test_every_dead_letter_queue_has_an_alarm_on_its_depth(queue: str, alarms: Resources) -> None:
    alarm = alarms[f"{queue}Depth"]["Properties"]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]


@pytest.mark.parametrize("function", HANDLERS)
def test_every_function_has_an_alarm_on_its_errors(function: str, alarms: Resources) -> None:
    alarm = alarms[function.replace("Function", "Errors")]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": function}}]


def test_only_alarms_and_events_write_to_the_alert_topic(resources: Resources) -> None:
    alarms, events = resources["AlertTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert events["Principal"] == {"Service": "events.amazonaws.com"}
    assert {statement["Action"] for statement in (alarms, events)} == {"sns:Publish"}


def test_verdicts_run_on_a_schedule(resources: Resources) -> None:
    rules = [body["Properties"] for body in of_type(resources, "AWS::Events::Rule").values()]
    (rule,) = (rule for rule in rules if "ScheduleExpression" in rule)
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    assert rule["Targets"][0]["Arn"] == {"Fn::GetAtt": ["VerdictFunction", "Arn"]}


def test_code_canaries_are_for_the_two_http_functions_and_off_by_default(resources: Resources) -> None:
    assert set(of_type(resources, "AWS::Lambda::Alias")) == {"InferenceFunctionAliaslive", "ControlFunctionAliaslive"}
    assert not of_type(resources, "AWS::CodeDeploy::DeploymentGroup")


def test_the_outputs_that_tools_read_are_there(template: dict[str, Any]) -> None:
    assert set(template["Outputs"]) >= OUTPUTS
