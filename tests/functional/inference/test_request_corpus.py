"""The requests that clients really send: status, code, and the values that reach the model."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.memory_plane import MemoryPlane, memory_plane
from tests.support.requests.case import INFER, Case, bundle
from tests.support.requests.corpus import CASES, PAGE, page

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def plane() -> Iterator[MemoryPlane]:
    yield from memory_plane(bundle())


def ask(plane: MemoryPlane, case: Case) -> tuple[int, dict[str, Any]]:
    answer = plane.call(case.route, case.body, case.headers)
    text = answer["body"].encode()
    if answer.get("isBase64Encoded"):
        text = b64decode(text)[: int(answer["headers"]["Inference-Header-Content-Length"])]
    return answer["statusCode"], json.loads(text)


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.status == 200])
def test_what_is_answered(plane: MemoryPlane, case: Case) -> None:
    status, answer = ask(plane, case)
    assert status == 200, answer
    captured = plane.captures.last
    assert captured["columns"] == case.cells
    if case.route == INFER:
        assert answer["outputs"][0]["data"] == case.labels
    else:
        assert answer["predictions"] == case.labels
    assert answer.get("parameters", {}).get("unseen") == case.unseen


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.status != 200])
def test_what_is_refused(plane: MemoryPlane, case: Case) -> None:
    status, answer = ask(plane, case)
    assert (status, answer["error_code"]) == (case.status, case.code), answer
    assert case.said in answer["message"]
    assert (answer["field"], answer["row"]) == case.place


def test_the_page_lists_the_corpus() -> None:
    assert PAGE.read_text() == page(), "python -m tests.support.requests.corpus writes it"
