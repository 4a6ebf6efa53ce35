"""Every alarm and every widget shows something that is really emitted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from modelloop_stack.build.paths import ROOT
from tests.support.template.emission import emitted
from tests.support.template.handlers import HANDLERS, variables
from tests.support.template.resources import Resources, nested_template, of_type

OBSERVABILITY = ROOT / "infra" / "observability"
NAMESPACE = "of the stack"  # the nested templates get the name of the stack for it
# What AWS emits by itself, for which kind of resource, under which dimensions.
AWS_METRICS: dict[str, tuple[set[str], list[str]]] = {
    "AWS/Lambda": (
        {"Errors", "Throttles", "Duration", "Invocations", "AsyncEventsDropped", "DestinationDeliveryFailures"},
        ["FunctionName"],
    ),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}, ["QueueName"]),
    "AWS/Firehose": ({"DeliveryToS3.DataFreshness"}, ["DeliveryStreamName"]),
    "AWS/ApiGateway": ({"4XXError", "5XXError", "Latency", "IntegrationLatency", "Count"}, ["ApiName", "Stage"]),
    "AWS/DynamoDB": ({"SystemErrors"}, ["TableName", "Operation"]),
}
KINDS = {
    "FunctionName": "AWS::Lambda::Function",
    "QueueName": "AWS::SQS::Queue",
    "DeliveryStreamName": "AWS::KinesisFirehose::DeliveryStream",
    "TableName": "AWS::DynamoDB::Table",
    "Stage": "AWS::ApiGateway::Stage",
}

type Metric = tuple[str, str, dict[str, Any]]


def services(resources: Resources) -> dict[str, frozenset[str]]:
    """What each service emits, by the name that the template gives it."""
    return {
        variables(resources, function)["POWERTOOLS_SERVICE_NAME"]: emitted(handler)
        for function, (handler, _) in HANDLERS.items()
    }


def alarm_metrics(alarms: Resources) -> list[Metric]:
    return [
        (_namespace(one["Properties"]["Namespace"]), one["Properties"]["MetricName"],
         {dimension["Name"]: dimension["Value"] for dimension in one["Properties"]["Dimensions"]})
        for one in alarms.values()
    ]  # fmt: skip


def _namespace(value: Any) -> str:
    """Return a metric's namespace; the name of the stack is the application's own."""
    return NAMESPACE if value in ({"Ref": "AWS::StackName"}, "${Namespace}") else value


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = yaml_parse((OBSERVABILITY / "dashboard.yaml").read_text())
    return document


def body() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        dashboard()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    )
    return document


def widget_metrics(resources: Resources) -> list[Metric]:
    """The widgets' metrics, with each parameter replaced by what the application's template gives for it."""
    given = resources["Dashboard"]["Properties"]["Parameters"]
    found = []
    for widget in body()["widgets"]:
        for namespace, name, *rest in widget["properties"]["metrics"]:
            parts = [part for part in rest if isinstance(part, str)]
            values = [given[part[2:-1]] if part.startswith("${") else part for part in parts[1::2]]
            found.append((_namespace(namespace), name, dict(zip(parts[::2], values, strict=True))))
    return found


def faults(metric: Metric, resources: Resources) -> str | None:
    """Say why a metric is told by nobody, or None."""
    namespace, name, dimensions = metric
    if namespace == NAMESPACE:
        told = services(resources).get(dimensions.get("service", ""), frozenset())
        return None if list(dimensions) == ["service"] and name in told else f"no {dimensions} emits {name}"
    known, names = AWS_METRICS.get(namespace, (set(), []))
    if name not in known or list(dimensions) != names:
        return f"{namespace} has no {name} by {list(dimensions)}"
    for dimension, value in dimensions.items():
        if dimension in KINDS and _resource(value, resources).get("Type") != KINDS[dimension]:
            return f"{value} is no {KINDS[dimension]}"
    return None


def _resource(value: Any, resources: Resources) -> dict[str, Any]:
    """Return the resource that a dimension refers to, or the stage that it names."""
    if isinstance(value, str):
        stages = of_type(resources, KINDS["Stage"]).values()
        return next((stage for stage in stages if stage["Properties"]["StageName"] == value), {})
    return resources.get(_referred(value), {})


def _referred(value: Any) -> str:
    found = next(iter(value.values())) if isinstance(value, dict) else value
    return found if isinstance(found, str) else str(found[0])


def test_every_alarm_watches_what_is_really_emitted(resources: Resources, alarms: Resources) -> None:
    assert [fault for metric in alarm_metrics(alarms) if (fault := faults(metric, resources))] == []


@pytest.mark.parametrize("nested", ["Alarms", "Dashboard"])
def test_the_metrics_of_two_stacks_are_apart(nested: str, resources: Resources) -> None:
    assert resources[nested]["Properties"]["Parameters"]["Namespace"] == {"Ref": "AWS::StackName"}


def test_dashboards_of_two_regions_have_two_names(resources: Resources) -> None:
    name = resources["Dashboard"]["Properties"]["Parameters"]["Name"]
    assert name == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def test_every_widget_shows_what_is_really_emitted(resources: Resources) -> None:
    found = widget_metrics(resources)
    assert [fault for metric in found if (fault := faults(metric, resources))] == []
    assert len(found) > 50


def test_every_metric_of_ours_is_on_the_dashboard(resources: Resources) -> None:
    shown = {
        (dimensions["service"], name) for space, name, dimensions in widget_metrics(resources) if space == NAMESPACE
    }
    told = {(service, name) for service, names in services(resources).items() for name in names}
    assert shown == told


def test_every_function_queue_and_stream_is_on_the_dashboard(resources: Resources) -> None:
    shown = {_referred(value) for _, _, dimensions in widget_metrics(resources) for value in dimensions.values()}
    kinds = ("AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::KinesisFirehose::DeliveryStream")
    assert {name for kind in kinds for name in of_type(resources, kind)} <= shown


@pytest.mark.parametrize(
    "metric",
    [
        (NAMESPACE, "CapturesLost", {"service": "trainer"}),
        (NAMESPACE, "CapturesFound", {"service": "inference"}),
        (NAMESPACE, "CapturesLost", {"service": "inference", "model": "m"}),
        ("AWS/Lambda", "Error", {"FunctionName": {"Ref": "InferenceFunction"}}),
        ("AWS/Lambda", "Errors", {"FunctionName": {"Ref": "RunsQueue"}}),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"Queue": {"Ref": "RunsQueue"}}),
    ],
)
def test_what_nobody_emits_is_found(metric: Metric, resources: Resources) -> None:
    assert faults(metric, resources)


@pytest.mark.parametrize(
    ("stack", "file", "condition"), [("Dashboard", "dashboard.yaml", "OnAws"), ("Alarms", "alarms.yaml", None)]
)
def test_a_nested_template_gets_every_parameter_and_returns_nothing(
    stack: str, file: str, condition: str | None, resources: Resources
) -> None:
    assert resources[stack].get("Condition") == condition
    properties = resources[stack]["Properties"]
    assert (ROOT / properties["TemplateURL"]).samefile(OBSERVABILITY / file)
    nested = nested_template(resources, stack)
    assert set(properties["Parameters"]) == set(nested["Parameters"])
    assert "Outputs" not in nested


def test_widgets_do_not_overlap() -> None:
    places = [
        (widget["x"] + column, widget["y"] + row)
        for widget in body()["widgets"]
        for column in range(widget["width"])
        for row in range(widget["height"])
    ]
    assert len(places) == len(set(places))
    assert max(column for column, _ in places) < 24
