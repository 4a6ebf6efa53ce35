from __future__ import annotations

from typing import Any

import pytest

from tests.comparison.differences import Allowed, compare
from tests.comparison.normalisation import normalised
from tests.comparison.paths import matches

BEFORE: dict[str, dict[str, Any]] = {
    "table": {"MODEL#m LATEST#traffic": {"rows": 1, "state": {"ok": True}}, "MODEL#m RUN#1": {"figures": [1, 2]}}
}


def left(after: dict[str, Any], *allowed: Allowed) -> list[str]:
    return [str(one) for one in compare(BEFORE, {"table": after}, allowed)[0]]


def test_an_equal_recording_has_no_differences() -> None:
    assert compare(BEFORE, BEFORE, ()) == ([], [])


def test_every_kind_of_change_is_found_with_its_place() -> None:
    after = {"MODEL#m RUN#1": {"figures": [1, 2.0, 3], "spent": None}}
    assert left(after) == [
        "table > MODEL#m LATEST#traffic: removed: was {'rows': 1, 'state': {'ok': True}}",
        "table > MODEL#m RUN#1 > figures > 1: changed: was 2, is 2.0",
        "table > MODEL#m RUN#1 > figures > 2: added: is 3",
        "table > MODEL#m RUN#1 > spent: added: is None",
    ]


@pytest.mark.parametrize(
    "entry",
    [
        Allowed("table > MODEL#* LATEST#traffic", "removed", "1.2", "test"),
        Allowed("** > MODEL#m LATEST#*", "removed", "1.2", "test"),
    ],
)
def test_what_is_allowed_is_left_out(entry: Allowed) -> None:
    after = {"MODEL#m RUN#1": {"figures": [1, 2]}}
    assert left(after, entry) == []
    assert left(after) != []


def test_another_kind_of_change_at_an_allowed_place_is_left() -> None:
    after = BEFORE["table"] | {"MODEL#m RUN#1": {"figures": [1, 3]}}
    assert left(after, Allowed("table > MODEL#m RUN#1 > **", "removed", "1.2", "test")) == [
        "table > MODEL#m RUN#1 > figures > 1: changed: was 2, is 3"
    ]


def test_what_is_renamed_is_compared_under_its_new_name() -> None:
    entry = Allowed("table > MODEL#* LATEST#*", "renamed", "1.2", "test", to="MODEL#{0} STATE#{1}")
    after = {"MODEL#m STATE#traffic": {"rows": 2, "state": {"ok": True}}, "MODEL#m RUN#1": {"figures": [1, 2]}}
    assert left(after, entry) == ["table > MODEL#m STATE#traffic > rows: changed: was 1, is 2"]


def test_an_entry_that_allows_nothing_is_told() -> None:
    stale = Allowed("answers > nothing", "removed", "1.2", "test")
    assert compare(BEFORE, BEFORE, [stale]) == ([], [stale])


def test_patterns() -> None:
    assert matches("** > a", ("a",))
    assert matches("** > a", ("x", "y", "a"))
    assert not matches("** > a", ("x", "ba"))
    assert matches("x > ** > a", ("x", "a"))
    assert matches("x > **", ("x", "y", "z"))
    assert not matches("x > *", ("x", "y", "z"))


def test_sentences_and_what_is_volatile_are_replaced_and_codes_are_not() -> None:
    document: dict[str, dict[str, Any]] = {
        "answers": {"bad": {"json": {"error": "no model", "error_code": "X", "field": "model", "message": ""}}},
        "artifacts": {"versions/m/1/manifest.json": [{"json": {"environment": {"code": "ab", "machine": "m"}}}]},
        "table": {"MODEL#m AUDIT#1": {"detail": {"outcome": "it serves", "version": 1}, "reasons": ["a", "b"]}},
    }
    assert normalised(document) == {
        "answers": {"bad": {"json": {"error": "<text>", "error_code": "X", "field": "model", "message": ""}}},
        "artifacts": {
            "versions/m/1/manifest.json": [{"json": {"environment": {"code": "<volatile>", "machine": "m"}}}]
        },
        "table": {"MODEL#m AUDIT#1": {"detail": {"outcome": "<text>", "version": 1}, "reasons": ["<2 texts>"]}},
    }
