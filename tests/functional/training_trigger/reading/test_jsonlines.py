"""JSON Lines: which key is the target when lines have different keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.intake_stage import Stage


def lines(document: Callable[[int, str], dict[str, Any]]) -> str:
    return "".join(json.dumps(document(i, "yes" if i % 3 else "no")) + "\n" for i in range(60))


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        (lines(lambda i, y: {"x": i, "y": y}), ""),
        (lines(lambda i, y: {"x": i, **({"late": i % 5} if i > 30 else {}), "y": y}), ""),
        (lines(lambda i, y: {"x": i, "y": y} if i % 10 else {"x": i, "y": y, "id": i}), "ignore: [id]\n"),
        (lines(lambda i, y: {"x": i, "y": y, "a\u0308": i} if i else {"x": i, "y": y}), "ignore: [ä]\n"),
        (lines(lambda i, y: {"x": i, "y": y} if i % 10 != 1 else {"x": i}), ""),
        (lines(lambda i, y: {"x": i, "y": y} if i else {"x": i, "y": y, "late": "b"}), "target: y\n"),
        ("{}\n" + lines(lambda i, y: {"x": i, "y": y}), ""),
    ],
)
def test_the_last_key_of_the_first_line_is_the_target(shared_stage: Stage, text: str, spec: str) -> None:
    model = f"m{abs(hash((text, spec)))}"
    if spec:
        shared_stage.spec(spec, model)
    run = shared_stage.upload("t.jsonl", text, model)
    assert (run.state, run.reason) == ("QUEUED", None)
    table = shared_stage.table(run)
    assert (table["target"], table["classes"]) == ("y", ["no", "yes"])
    assert table["profile"][-1]["name"] in {"y", "late"}


def test_nested_columns_are_known_by_their_cleaned_name(shared_stage: Stage) -> None:
    run = shared_stage.upload("t.jsonl", lines(lambda i, y: {"x": i, " n ": {"a": 1}, "y": y}), "nested")
    assert any("column 'n' is not used: it holds lists, objects" in warning for warning in run.warnings)
