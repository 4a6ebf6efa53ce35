"""Any bytes as a body: 2xx or 4xx in the one error form, finite JSON, no trace of the inside, little CPU."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from modelloop.ids import uuid7
from tests.support.data_plane import make_bundle
from tests.support.memory_plane import memory_plane
from tests.support.requests.mutations import chosen_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelloop.contracts.http_request import HttpAnswer

BODIES = 10_000
MOST_CPU = 0.1
ROUTES = ("/v2/models/{model}/infer", "/models/{model}/invocations", "/models/{model}/feedback", "/v2/repository/index")
OIP = {
    "id": "1",
    "inputs": [
        {"name": "mass", "shape": [2, 1], "datatype": "FP64", "data": [1.5, None]},
        {"name": "island", "shape": [2], "datatype": "BYTES", "data": ["Dream", "Mars"]},
    ],
    "outputs": [{"name": "predict"}, {"name": "predict_proba", "parameters": {"binary_data": True}}],
    "parameters": {"explain": True, "binary_data_output": False},
}
VALID: list[Any] = [
    OIP,
    {"dataframe_split": {"columns": ["mass", "island"], "data": [[1, "Dream"], [2.5, None]]}},
    {"dataframe_records": [{"mass": 1, "island": "x"}, {"mass": None, "island": "Dream"}]},
    {"instances": [[1, "Dream"]], "params": {"predict_method": "predict_proba", "explain": True}},
    {"inputs": {"mass": [1, 2], "island": ["a", "b"]}},
    {"feedback": [{"id": uuid7(), "row": 0, "label": "Adelie"}]},
]
LEAVES: list[Any] = [
    None, True, False, 0, -1, 1e308, -1e308, 2**63, 10**30, 1.5, "", "NaN", "é" * 50, "\u0000", [], {}, [[]], "mass",
    "predict", {"binary_data_size": 10**9}, {"a": {"b": []}}, [1, [2, [3]]], "2026-01-01", 10_001, [0], [10**6, 10**6],
]  # fmt: skip


HOSTILE = [b"[" * 50_000, b'{"a":' * 5_000, b'{"inputs":' + b"9" * 5_000 + b"}", b"NaN", b'{"instances":[[1e999,"a"]]}']
BOMB = gzip.compress(b" " * 9_000_000, 9)


@pytest.fixture(scope="module")
def answer() -> Iterator[Callable[[str, bytes, dict[str, str]], HttpAnswer]]:
    for plane in memory_plane(make_bundle()):
        plane.call(ROUTES[0], json.dumps(OIP).encode(), {})
        yield plane.call


def check(found: HttpAnswer) -> int:
    """Assert what holds for every answer and return its status."""
    status = found["statusCode"]
    assert 200 <= status < 300 or 400 <= status < 500, found
    if found["isBase64Encoded"]:
        assert status == 200
        return status
    document = json.loads(found["body"], parse_constant=pytest.fail)
    if status >= 400:
        assert set(document) == {"error", "error_code", "message", "field", "row"}
        assert "Traceback" not in found["body"]
        assert "/" + "functions" not in found["body"]
        assert len(found["body"]) < 4_000
    return status


def mutate(chooser: random.Random, document: Any) -> Any:
    """Replace, drop or repeat one part of a document."""
    document = json.loads(json.dumps(document))
    place = chosen_part(chooser, document)
    assert place is not None
    parent, key = place
    match chooser.randrange(4):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, list):
            parent.extend(parent * chooser.randrange(1, 40))
        case _:
            parent[key] = chooser.choice(LEAVES)
    return document


def make(chooser: random.Random) -> tuple[str, bytes, dict[str, str]]:
    """Return a route, a body and its headers."""
    headers: dict[str, str] = {}
    document = chooser.choice(VALID)
    for _ in range(chooser.randrange(4)):
        if document:
            document = mutate(chooser, document)
    raw = json.dumps(document).encode()
    match chooser.randrange(12):
        case 0:
            raw = chooser.randbytes(chooser.randrange(200))
        case 1:
            at = chooser.randrange(len(raw) + 1)
            raw = raw[:at] + chooser.randbytes(chooser.randrange(3)) + raw[at + chooser.randrange(3) :]
        case 2:
            headers["Inference-Header-Content-Length"] = str(chooser.choice([len(raw), 0, 5, -1, 10**12, "x"]))
            raw += chooser.randbytes(chooser.randrange(40))
        case 3:
            raw = chooser.choice(
                [b"[" * 50_000, b'{"a":' * 5_000, b'{"inputs":' + b"9" * 5_000 + b"}", b"NaN", b"1e999"]
            )
        case 4:
            headers["Content-Encoding"] = chooser.choice(["gzip", "deflate", "br", "gzip, gzip"])
            raw = chooser.choice([raw, gzip.compress(raw), BOMB, gzip.compress(raw)[:-9]])
        case 5:
            headers["Content-Type"] = "text/csv"
            rows = chooser.choice([b"1.5,Dream\n", b"NA,\n", b'"x', b"1,2,3\n", b"\0,\0\n"])
            raw = b"mass,island\n" + rows * chooser.randrange(4)
        case 6:
            headers["Content-Type"] = chooser.choice(
                ["application/xml", "text/html", "application/octet-stream", ";", "é"]
            )
    return chooser.choice(ROUTES), raw, headers


def test_ten_thousand_bodies_are_answered(answer: Callable[..., HttpAnswer], capsys: Any) -> None:
    chooser = random.Random(20261123)
    statuses: Counter[int] = Counter()
    slow: list[tuple[float, bytes]] = []
    for _ in range(BODIES):
        route, raw, headers = make(chooser)
        started = time.thread_time()
        found = answer(route, raw, headers)
        spent = time.thread_time() - started
        if spent > MOST_CPU:
            slow.append((spent, raw[:80]))
        statuses[check(found)] += 1
    capsys.readouterr()
    assert not slow
    assert {200, 202, 400, 413, 415, 422} <= set(statuses)
    assert statuses[200] > BODIES / 20


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"instances":[' + b"[]," * 1_300_000 + b"[]]}", "application/json"),
        (b'{"inputs":' + b"[" * 900_000 + b"]" * 900_000 + b"}", "application/json"),
        (b'{"instances":[' + b'{"a":1},' * 390_000 + b"{}]}", "application/json"),
        (b"mass,island\n" + b"1,2\n" * 990_000, "text/csv"),
        (b"," * 3_900_000, "text/csv"),
        (b'{"inputs":{"mass":[' + b"1," * 1_900_000 + b"1]}}", "application/json"),
        (b'"' + b"x" * 3_900_000 + b'"', "application/json"),
    ],
)
def test_large_bodies_cost_little(answer: Callable[..., HttpAnswer], body: bytes, content_type: str) -> None:
    assert len(body) <= 4_000_000
    started = time.thread_time()
    found = answer(ROUTES[1], body, {"Content-Type": content_type})
    spent = time.thread_time() - started
    assert 400 <= check(found) < 500
    assert spent < 2 * MOST_CPU


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["inputs", "data", "mass", "x"]), inner)
    ),
    max_leaves=12,
)


@hypothesis_settings(max_examples=150, deadline=None)
@given(route=st.sampled_from(ROUTES), document=JSON)
def test_any_document_is_answered(answer: Callable[..., HttpAnswer], route: str, document: Any) -> None:
    check(answer(route, json.dumps(document).encode(), {}))
