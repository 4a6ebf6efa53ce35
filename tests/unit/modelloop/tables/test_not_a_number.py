"""NaN in JSON is a missing value, and nothing else about JSON changes."""

from __future__ import annotations

from typing import Any

import pytest

from inference.protocols.exchange import parse_object
from modelloop.errors import MalformedBodyError
from modelloop.tables import not_a_number


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b'{"a": NaN}', {"a": None}),
        (b'{"a":[NaN,1,NaN]}', {"a": [None, 1, None]}),
        (b'{"NaN": NaN, "b": ",NaN,"}', {"NaN": None, "b": ",NaN,"}),
        (b'{"a": "\\"NaN", "b": "\\\\", "c": NaN}', {"a": '"NaN', "b": "\\", "c": None}),
        (b'{"a": "Infinity", "b": NaN}', {"a": "Infinity", "b": None}),
        ('{"é": "NaN é", "b": NaN}'.encode(), {"é": "NaN é", "b": None}),
        (b'\xef\xbb\xbf{"a": NaN}', {"a": None}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    ],
)
def test_nan_is_null_outside_of_texts(body: bytes, document: Any) -> None:
    assert parse_object(body) == document


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": Infinity, "b": NaN}', b'{"a": NaN, "b": -Infinity}', b'{"a": -NaN}', b'{"a": NaNNaN}', b'{"a": NaN1}',
        b'{"a": 1NaN}', b'{"a": nan}', b"NaN", b"[NaN]", b'{"a": "NaN', b'{"a": NaN', b'{"a": NaN,}', b"{NaN: 1}",
        b'{"a": "\\ud800", "b": NaN}', b'{"a": "\xff", "b": NaN}', b'{"a": ' + b"9" * 5_000 + b'x, "b": NaN}',
    ],
)  # fmt: skip
def test_what_is_still_not_json(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        parse_object(body)


def test_infinity_beside_nan_is_named() -> None:
    with pytest.raises(MalformedBodyError, match="Infinity is not a number that JSON has"):
        parse_object(b'{"a": [NaN, -Infinity]}')


@pytest.mark.parametrize(("depth", "taken"), [(32, True), (33, False), (1_000, False)])
def test_depth_is_bounded(depth: int, taken: bool) -> None:
    body = b'{"a":' + b"[" * (depth - 1) + b"NaN" + b"]" * (depth - 1) + b"}"
    if taken:
        assert parse_object(body)
    else:
        with pytest.raises(MalformedBodyError):
            parse_object(body)


def test_valid_requests_never_meet_the_second_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(not_a_number, "parse", pytest.fail)
    assert parse_object(b'{"a": "NaN"}') == {"a": "NaN"}
    with pytest.raises(MalformedBodyError):
        parse_object(b'{"a": Infinity}')


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": NaN, "b": ' + b'"' * 63_000, b'{"a": NaN, "b": "' + b"\\" * 63_000, b"NNNaNI" * 10_000,
        b"NaN]" * 16_000, b"[" * 63_000 + b"NaN", b'"a"' * 20_000 + b"NaN",
    ],
)  # fmt: skip
def test_every_byte_is_scanned_once(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[tuple[int, int]] = []

    class Counting:
        def match(self, text: bytes, at: int) -> Any:
            found = pattern.match(text, at)
            scanned.append((at, len(text) if found is None else found.end()))
            return found

    pattern = not_a_number._UP_TO_NUMBER
    monkeypatch.setattr(not_a_number, "_UP_TO_NUMBER", Counting())
    with pytest.raises(MalformedBodyError):
        parse_object(body)
    assert [begin for begin, _ in scanned[1:]] == [end for _, end in scanned[:-1]]
