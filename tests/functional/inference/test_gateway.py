from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

import pytest

from inference import gateway
from inference.protocols.exchange import Reply
from modelloop.contracts.http_request import HttpRequest
from modelloop.errors import (
    MalformedBodyError,
    MissingColumnsError,
    ModelloopError,
    TooLargeError,
    UnsupportedMediaError,
)
from modelloop.tables.encoding import Column, Encoding

if TYPE_CHECKING:
    from collections.abc import Mapping


def call(raw: bytes, *, encoded: bool = True, **headers: str) -> HttpRequest:
    body = b64encode(raw).decode() if encoded else raw.decode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest(
        {"resource": "/x", "httpMethod": "POST", "headers": named, "body": body, "isBase64Encoded": encoded}
    )


def test_bodies_come_encoded_or_as_text() -> None:
    assert gateway.read_body(call(b"\x00\xff")) == b"\x00\xff"
    assert gateway.read_body(call("é".encode(), encoded=False)) == "é".encode()
    empty = HttpRequest({"resource": "/", "httpMethod": "GET", "headers": None, "body": None})
    assert gateway.read_body(empty) == b""


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(b"body", mtime=0)),
        ("GZip ", gzip.compress(b"body", mtime=0)),
        ("deflate", zlib.compress(b"body")),
        ("identity", b"body"),
    ],
)
def test_packed_bodies(coding: str, packed: bytes) -> None:
    assert gateway.read_body(call(packed, encoded=True, Content_Encoding=coding)) == b"body"


@pytest.mark.parametrize(
    ("coding", "packed", "error"),
    [
        ("gzip", b"not gzip", MalformedBodyError),
        ("gzip", gzip.compress(b"body", mtime=0)[:-5], MalformedBodyError),
        ("deflate", b"", MalformedBodyError),
        ("br", b"body", UnsupportedMediaError),
        ("gzip", gzip.compress(b" " * 4_000_001, mtime=0), TooLargeError),
    ],
)
def test_bad_packing(coding: str, packed: bytes, error: type[ModelloopError]) -> None:
    with pytest.raises(error):
        gateway.read_body(call(packed, encoded=True, Content_Encoding=coding))


PACKED = gzip.compress(b"body", mtime=0)


@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize(
    ("packed", "body"),
    [(PACKED, b"body"), (PACKED * 3, b"bodybodybody"), (PACKED + b"\0" * 500, b"body")],
)
def test_gzip_is_unpacked_said_or_not_with_all_of_its_members(packed: bytes, body: bytes, coding: str) -> None:
    assert gateway.read_body(call(packed, encoded=True, Content_Encoding=coding)) == body


@pytest.mark.parametrize(
    ("packed", "error"),
    [
        (PACKED[:-5], MalformedBodyError),
        (PACKED + b"rest", MalformedBodyError),
        (gzip.compress(b"", mtime=0) * 101, MalformedBodyError),
        (gzip.compress(b" " * 3_000_000, mtime=0) * 2, TooLargeError),
    ],
)
def test_bad_gzip_that_says_nothing(packed: bytes, error: type[ModelloopError]) -> None:
    with pytest.raises(error):
        gateway.read_body(call(packed))


def test_all_missing_columns_are_named_however_many() -> None:
    names = [f"column number {place}" for place in range(1_000)]
    refused = Encoding([Column(name, "number") for name in names])
    with pytest.raises(MissingColumnsError) as caught:
        refused.read(1, {"x" * 60: [1]})
    message = json.loads(gateway.refuse(caught.value, {})["body"])["message"]
    assert all(repr(name) in message for name in names)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = call(gzip.compress(b"\0" * 100_000_000, 9), Content_Encoding="gzip")
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        gateway.read_body(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_what_is_too_large_is_not_decoded() -> None:
    with pytest.raises(TooLargeError):
        gateway.read_body(call(b"x" * 4_000_001, encoded=False))
    event = {"resource": "/", "httpMethod": "POST", "body": "!" * 6_000_000, "isBase64Encoded": True}
    with pytest.raises(TooLargeError):
        gateway.read_body(HttpRequest(event))


def test_binary_answers_are_base64() -> None:
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": "2"}
    answer = gateway.respond(200, Reply(b"{}\x00\xff", headers), {"x": "y"})
    assert answer["isBase64Encoded"]
    assert b64decode(answer["body"]) == b"{}\x00\xff"
    assert answer["headers"] == headers | {"x": "y"}


def sizes_of(answer: Mapping[str, object]) -> int:
    return len(json.dumps(answer, ensure_ascii=False).encode())


@pytest.mark.parametrize("piece", [b'"\\\\"', b"1.5,", b'"label",'])
def test_answers_stay_under_the_invocation_limit(piece: bytes) -> None:
    limit = 6 * 1024 * 1024
    for count in range(limit // len(piece) // 4, limit // len(piece) * 2, limit // len(piece) // 8):
        reply = Reply(b"[" + piece * count + b"0]")
        try:
            answer = gateway.respond(200, reply, {})
        except TooLargeError:
            assert sizes_of({"body": reply.body.decode()}) > limit - 200_000
        else:
            assert sizes_of(answer) < limit
    with pytest.raises(TooLargeError):
        gateway.respond(200, Reply(b"x" * 5_000_000, {"Content-Type": "application/octet-stream"}), {})


def test_errors_have_one_form() -> None:
    answer = gateway.refuse(MalformedBodyError("two\nlines", field="f", row=3), {})
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"]) == {
        "error": "two lines", "error_code": "BAD_REQUEST", "message": "two\nlines", "field": "f", "row": 3,
    }  # fmt: skip
    assert answer["headers"]["Content-Type"] == "application/json"
    long = gateway.refuse(MalformedBodyError("m" * 10**6, field="f" * 10**6), {})
    assert len(long["body"]) < 2_000
