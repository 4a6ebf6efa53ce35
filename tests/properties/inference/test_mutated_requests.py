"""Requests that no client writes: none ends in a 5xx, and none costs what a valid one of its size does not."""

from __future__ import annotations

import gzip
import json
import random
import time
import zlib
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from inference.protocols import mlflow
from modelloop.errors import MissingColumnsError
from modelloop.tables.encoding import Column
from tests.support.memory_plane import MemoryPlane, memory_plane
from tests.support.requests.case import CSV, INFER, INVOKE, JSON, READ, ROW, bundle
from tests.support.requests.mutations import MAX_BODY, mutated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.contracts.http_request import HttpAnswer

SEED = 20261130
MAX_SECONDS = 0.1
TIMES_VALID = 3
NOISE = 0.02  # seconds below which two requests cost the same
SIZES = (1_000, 4_000, 16_000, MAX_BODY)


@pytest.fixture(scope="module")
def plane() -> Iterator[MemoryPlane]:
    yield from memory_plane(bundle())


def check(answer: HttpAnswer) -> int:
    """Assert what holds for every answer and return its status."""
    status = answer["statusCode"]
    assert status == 200 or 400 <= status < 500, answer
    if not answer.get("isBase64Encoded"):
        document = json.loads(answer["body"], parse_constant=pytest.fail)
        assert status == 200 or set(document) == {"error", "error_code", "message", "field", "row"}
        assert "Traceback" not in answer["body"]
    return status


def unpacked(body: bytes) -> int:
    """Return how many bytes a body has, unpacked where it is a gzip file."""
    try:
        return len(gzip.decompress(body)) if body.startswith(b"\x1f\x8b") else len(body)
    except (OSError, EOFError, zlib.error):
        return MAX_BODY


def run(plane: MemoryPlane, count: int, seed: int) -> tuple[Counter[int], list[tuple[float, int, str, bytes]]]:
    """Send so many requests; return the statuses, and the seconds of CPU, size, route and beginning of each body."""
    chooser, statuses = random.Random(seed), Counter[int]()
    costs: list[tuple[float, int, str, bytes]] = []
    for _ in range(count):
        route, body, headers = mutated(chooser)
        started = time.thread_time()
        answer = plane.call(route, body, headers)
        costs.append((time.thread_time() - started, unpacked(body), route, body[:200]))
        statuses[check(answer)] += 1
    return statuses, costs


def test_mutated_requests_are_answered(plane: MemoryPlane) -> None:
    statuses, _ = run(plane, 1_500, SEED)
    assert {200, 400, 415, 422} <= set(statuses)


def valid_bodies(size: int) -> list[tuple[str, bytes, dict[str, str]]]:
    """Valid requests of about this size in each form: the dearest is what others are compared with."""
    record, line = json.dumps(ROW), "1.5,Dream,2026-01-31,true\n"
    records = '{"dataframe_records": [' + ", ".join([record] * (size // (len(record) + 2))) + "]}"
    table = "mass,island,day,tagged\n" + line * (size // len(line))
    rows = size // 45
    inputs = [
        {"name": name, "shape": [rows], "datatype": "BYTES", "data": [str(values[0])] * rows}
        for name, values in READ.items()
    ]
    return [
        (INVOKE, records.encode(), JSON),
        (INVOKE, table.encode(), CSV),
        (INFER, json.dumps({"inputs": inputs}).encode(), JSON),
    ]


def cost_of_valid(plane: MemoryPlane, size: int) -> float:
    """Return the seconds of CPU of the dearest form, each at its best of some."""
    dearest = 0.0
    for route, body, headers in valid_bodies(size):
        best = MAX_SECONDS
        for _ in range(5):
            started = time.thread_time()
            assert plane.call(route, body, headers)["statusCode"] == 200
            best = min(best, time.thread_time() - started)
        dearest = max(dearest, best)
    return dearest


@pytest.mark.slow
def test_ten_thousand_mutated_requests_cost_little(plane: MemoryPlane) -> None:
    valid = [cost_of_valid(plane, size) for size in SIZES]
    statuses, costs = run(plane, 10_000, SEED + 1)
    assert {200, 400, 413, 415, 422} <= set(statuses)
    dear = [
        cost
        for cost in costs
        if cost[1] <= MAX_BODY
        and cost[0] > min(MAX_SECONDS, max(NOISE, TIMES_VALID * valid[min(bisect_left(SIZES, cost[1]), 3)]))
    ]
    assert not dear, sorted(dear, reverse=True)[:5]


@pytest.mark.slow
@pytest.mark.parametrize("letters", ["ab", "abcdefgh_0123"])
def test_names_that_no_model_has_cost_little(letters: str) -> None:
    """1,000 unknown names of 64 characters, against a model of as many columns."""
    chooser = random.Random(SEED)
    columns = [Column("".join(chooser.choices(letters, k=64)), "number") for _ in range(1_000)]
    sent = ["".join(chooser.choices(letters, k=64)) for _ in range(900)]
    bodies = [{"dataframe_records": [dict.fromkeys(sent, 1)]}, {"dataframe_records": [{}] * 10_000}]
    for body in bodies:
        raw = json.dumps(body).encode()
        started = time.thread_time()
        with pytest.raises(MissingColumnsError):
            mlflow.parse(raw, columns)
        assert time.thread_time() - started < MAX_SECONDS
