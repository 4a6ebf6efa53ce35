"""Who may call what: every route has exactly its guard, and its function."""

from __future__ import annotations

from typing import Any

import pytest

from control import handler as control
from inference import handler as inference
from modelloop.contracts.routes import API_KEY, CONTROL, DATA, ROUTES, SIGNATURE, Route, of_plane
from modelloop_client.signing import is_data_plane
from modelloop_stack.build import pages
from tests.support.template.resources import Resources, of_type

GUARDS = {API_KEY: "api_key", SIGNATURE: "AWS_IAM"}  # as the template calls them
ERROR_KEYS = ('"error":', '"error_code":', '"message":', '"field":', '"row":')


def key(route: Route) -> str:
    return route.key


@pytest.fixture(scope="session")
def body(resources: Resources) -> dict[str, Any]:
    found: dict[str, Any] = resources["Api"]["Properties"]["Body"]
    return found


@pytest.fixture(scope="session")
def operations(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the template says of each route, by "METHOD path"."""
    paths = body["paths"].items()
    return {f"{method.upper()} {path}": operation for path, methods in paths for method, operation in methods.items()}


def guards(operation: dict[str, Any]) -> set[str]:
    return {name for requirement in operation.get("security", []) for name in requirement}


def test_the_template_has_the_routes_of_the_table_and_no_other(operations: dict[str, dict[str, Any]]) -> None:
    assert set(operations) == {route.key for route in ROUTES}


def test_the_table_has_each_route_once() -> None:
    assert len({route.key for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", of_plane(DATA), ids=key)
def test_a_data_route_asks_for_the_api_key_and_reaches_inference(
    route: Route, operations: dict[str, dict[str, Any]]
) -> None:
    assert guards(operations[route.key]) == {GUARDS[route.guard]} == {"api_key"}
    assert "InferenceFunction" in str(operations[route.key]["x-amazon-apigateway-integration"]["uri"])


@pytest.mark.parametrize("route", of_plane(CONTROL), ids=key)
def test_a_control_route_asks_for_a_signature_and_reaches_control(
    route: Route, operations: dict[str, dict[str, Any]]
) -> None:
    assert guards(operations[route.key]) == {GUARDS[route.guard]} == {"AWS_IAM"}
    integration = operations[route.key]["x-amazon-apigateway-integration"]
    assert "ControlFunction" in str(integration["uri"])
    assert "credentials" not in integration, "the caller must not need the right to invoke the function"


@pytest.mark.parametrize("route", ROUTES, ids=key)
def test_the_client_knows_the_plane_of_each_route(route: Route) -> None:
    path = route.path.replace("{version}", "3").replace("{", "").replace("}", "")
    assert is_data_plane(path) is (route.plane == DATA)


def test_every_function_of_a_handler_has_a_route() -> None:
    assert set(inference.FUNCTIONS) == {route.function for route in of_plane(DATA)}
    assert set(control.FUNCTIONS) == {route.function for route in of_plane(CONTROL)}


def test_the_page_of_routes_has_the_tables_of_the_table() -> None:
    assert pages.PAGE.read_text() == pages.with_tables(pages.PAGE.read_text()), "write it anew with: make docs"


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
