"""Who may call what: every route has exactly its guard, and its function."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.conftest import Resources, of_type

DATA_PLANE = {
    ("get", "/ping"),
    ("get", "/health"),
    ("get", "/openapi.json"),
    ("get", "/v2"),
    ("get", "/v2/health/live"),
    ("get", "/v2/health/ready"),
    ("post", "/v2/repository/index"),
    ("get", "/v2/models"),
    ("get", "/v2/models/{model}"),
    ("get", "/v2/models/{model}/ready"),
    ("get", "/v2/models/{model}/openapi.json"),
    ("post", "/v2/models/{model}/infer"),
    ("get", "/v2/models/{model}/versions/{version}"),
    ("get", "/v2/models/{model}/versions/{version}/ready"),
    ("post", "/v2/models/{model}/versions/{version}/infer"),
    ("post", "/models/{model}/invocations"),
    ("post", "/models/{model}/feedback"),
}
ACTIONS = ("promote", "rollback", "reject", "approve", "pin", "freeze", "retire", "shadow")
CONTROL_PLANE = {
    ("get", "/models"),
    ("get", "/models/{model}"),
    ("get", "/models/{model}/versions"),
    ("get", "/models/{model}/versions/{version}"),
    ("get", "/models/{model}/versions/{version}/report"),
    ("get", "/models/{model}/runs"),
    ("post", "/models/{model}/runs"),
    ("get", "/models/{model}/runs/{run}"),
    ("get", "/models/{model}/drift"),
    ("get", "/models/{model}/quality"),
    ("get", "/models/{model}/summary"),
    ("get", "/models/{model}/audit"),
    ("get", "/models/{model}/lineage/{prediction}"),
    ("get", "/metrics"),
    ("post", "/models/{model}/erasures"),
    ("post", "/uploads"),
    *(("post", f"/models/{{model}}/{action}") for action in ACTIONS),
}
ERROR_KEYS = ('"error":', '"error_code":', '"message":', '"field":', '"row":')
type Route = tuple[str, str]


@pytest.fixture(scope="session")
def body(resources: Resources) -> dict[str, Any]:
    found: dict[str, Any] = resources["Api"]["Properties"]["Body"]
    return found


@pytest.fixture(scope="session")
def operations(body: dict[str, Any]) -> dict[Route, dict[str, Any]]:
    paths = body["paths"].items()
    return {(method, path): operation for path, methods in paths for method, operation in methods.items()}


def guards(operation: dict[str, Any]) -> set[str]:
    return {name for requirement in operation.get("security", []) for name in requirement}


def test_there_is_no_route_beyond_the_documented_ones(operations: dict[Route, dict[str, Any]]) -> None:
    assert set(operations) == DATA_PLANE | CONTROL_PLANE


@pytest.mark.parametrize("route", sorted(DATA_PLANE))
def test_a_data_route_asks_for_the_api_key_and_reaches_inference(
    route: Route, operations: dict[Route, dict[str, Any]]
) -> None:
    assert guards(operations[route]) == {"api_key"}
    assert "InferenceFunction" in str(operations[route]["x-amazon-apigateway-integration"]["uri"])


@pytest.mark.parametrize("route", sorted(CONTROL_PLANE))
def test_a_control_route_asks_for_a_signature_and_reaches_control(
    route: Route, operations: dict[Route, dict[str, Any]]
) -> None:
    assert guards(operations[route]) == {"AWS_IAM"}
    integration = operations[route]["x-amazon-apigateway-integration"]
    assert "ControlFunction" in str(integration["uri"])
    assert "credentials" not in integration, "the caller must not need the right to invoke the function"


def test_the_guards_mean_what_they_are_called(body: dict[str, Any]) -> None:
    schemes = body["components"]["securitySchemes"]
    assert schemes["api_key"] == {"type": "apiKey", "name": "x-api-key", "in": "header"}
    assert schemes["AWS_IAM"]["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_every_integration_is_a_proxy_to_a_function(operations: dict[Route, dict[str, Any]]) -> None:
    assert {operation["x-amazon-apigateway-integration"]["type"] for operation in operations.values()} == {"aws_proxy"}


def test_gateway_errors_have_our_form(body: dict[str, Any]) -> None:
    responses = body["x-amazon-apigateway-gateway-responses"]
    assert set(responses) == {"DEFAULT_4XX", "DEFAULT_5XX"}
    for response in responses.values():
        (text,) = response["responseTemplates"].values()
        assert all(key in text for key in ERROR_KEYS)


def test_one_stage_throttled_binary_and_traced(resources: Resources) -> None:
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    properties = stage["Properties"]
    assert (properties["StageName"], properties["TracingEnabled"]) == ("v1", True)
    (setting,) = properties["MethodSettings"]
    assert {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= set(setting)
    assert resources["Api"]["Properties"]["BinaryMediaTypes"] == ["*~1*"]


def test_the_key_reaches_the_stage_through_a_throttled_plan(resources: Resources) -> None:
    (plan,) = of_type(resources, "AWS::ApiGateway::UsagePlan").values()
    assert plan["Properties"]["ApiStages"] == [{"ApiId": {"Ref": "Api"}, "Stage": {"Ref": "Apiv1Stage"}}]
    assert set(plan["Properties"]["Throttle"]) == {"RateLimit", "BurstLimit"}
    (key,) = of_type(resources, "AWS::ApiGateway::UsagePlanKey").values()
    assert key["Properties"] == {"KeyId": {"Ref": "ApiKey"}, "KeyType": "API_KEY", "UsagePlanId": {"Ref": "UsagePlan"}}


def test_no_function_has_a_door_of_its_own(resources: Resources) -> None:
    assert not of_type(resources, "AWS::Lambda::Url")
    principals = {body["Properties"]["Principal"] for body in of_type(resources, "AWS::Lambda::Permission").values()}
    assert principals == {"apigateway.amazonaws.com", "s3.amazonaws.com", "events.amazonaws.com"}
    for permission in of_type(resources, "AWS::Lambda::Permission").values():
        assert {"SourceArn", "SourceAccount"} & set(permission["Properties"])
