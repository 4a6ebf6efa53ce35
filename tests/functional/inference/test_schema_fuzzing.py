"""Requests made from the OpenAPI documents, good and bad: every answer is one that the document describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from inference.handler import ROUTES, handler
from inference.openapi.documents import api_document, model_document
from tests.support.data_plane import BUCKET, ENCODING, Plane, Store
from tests.support.gateway import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "the key"
CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    negative_data_rejection,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TYPED: dict[str, Any] = model_document("penguins", 3, ENCODING.columns, ["Adelie", "Gentoo"], ())
EACH = examples(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module", autouse=True)
def served(bucket: Any, endpoint: str) -> Iterator[None]:
    """A model with a champion and a pinned version, in an environment that has read its pointer once and for all."""
    from modelloop.aws.settings import settings  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
            "MODELLOOP_ARTIFACTS_BUCKET": BUCKET,
            "MODELLOOP_CAPTURE_MODE": "before",
            "MODELLOOP_POINTER_SOFT_SECONDS": "3600",
            "MODELLOOP_POINTER_HARD_SECONDS": "3600",
        }.items():
            patch.setenv(name, value)
        settings.cache_clear()
        store = Store(bucket, endpoint)
        store.pointer(store.version(3), pins=[store.version(2)])
        plane = Plane()
        yield
        plane.forget()
        store.clear()
    settings.cache_clear()


def load(document: dict[str, Any]) -> Any:
    config = schemathesis.Config.from_dict(
        {
            "base-url": "http://localhost",
            "generation": {"with-security-parameters": False},
            "checks": {"negative_data_rejection": {"expected-statuses": ["400", "404", "413", "415", "422"]}},
            "headers": {"x-api-key": KEY},
            "parameters": {"path.model": "penguins", "path.version": "2"},
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = Gateway(handler, tuple(ROUTES), KEY)
    return schema


whole = load(api_document("1")).include(tag="predict")
one = load(TYPED)


@whole.parametrize()  # type: ignore[untyped-decorator]  # the library leaves it open
@EACH
def test_the_whole_api_answers_as_documented(case: Any) -> None:
    case.call_and_validate(checks=CONFORMANCE)


@one.parametrize()  # type: ignore[untyped-decorator]  # the library leaves it open
@EACH
def test_a_model_answers_as_documented_and_refuses_what_is_not(case: Any) -> None:
    case.call_and_validate(checks=CONFORMANCE)


@pytest.mark.parametrize("route", ["/v2/models/penguins/infer", "/models/penguins/invocations"])
def test_the_example_of_a_model_document_is_answered(route: str) -> None:
    operation = one[route]["POST"]
    example = TYPED["paths"][route]["post"]["requestBody"]["content"]["application/json"]["example"]
    case = operation.Case(body=example, media_type="application/json")
    assert case.call_and_validate(headers={"x-api-key": KEY}, checks=CONFORMANCE).status_code == 200
