"""Requests made from the OpenAPI document, good and bad: the control plane's answers are those that it describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from control import handler
from inference.openapi.documents import api_document
from modelloop.aws.functions import TriggerFunction
from modelloop.aws.serving.changes import repair
from tests.support.gateway import Gateway
from tests.support.rollouts import new_model
from tests.support.stores import simulated_services, stores, stores_of

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "stands for a signature"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module", autouse=True)
def model() -> Iterator[None]:
    """A model in the middle of its life, under the name that all requests use."""
    with pytest.MonkeyPatch.context() as patch, simulated_services(), stores(patch) as registry:
        handler._services.cache_clear()
        patch.setattr("tests.support.rollouts._numbers", iter(["odel"]))
        repair(stores_of(registry), new_model(registry))
        assert registry.get_model("model").serving is not None
        patch.setattr(TriggerFunction, "send", lambda *_: None)
        yield
        handler._services.cache_clear()


def load() -> Any:
    config = schemathesis.Config.from_dict(
        {
            "base-url": "http://localhost",
            "generation": {"with-security-parameters": False},
            "headers": {"x-api-key": KEY},
            "parameters": {"path.model": "model", "path.version": "3"},
        }
    )
    schema = schemathesis.openapi.from_dict(api_document("1"), config=config)
    schema.app = Gateway(handler.handler, tuple(handler.ROUTES), KEY)
    return schema.include(tag="control")


control_plane = load()


@control_plane.parametrize()  # type: ignore[untyped-decorator]  # the library leaves it open
@examples(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_the_control_plane_answers_as_documented(case: Any) -> None:
    case.call_and_validate(checks=CHECKS)
