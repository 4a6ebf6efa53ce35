"""Text of many values is kept, as codes that the trainer makes means of; what could name a person is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop.tables.encoding import encoding_from_json
from training_trigger import preparation

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

ROWS, TOWNS = 9_000, 400
GENERATOR = np.random.default_rng(1)
PLACES = GENERATOR.integers(0, TOWNS, ROWS)
RARE = {row: f"village {row // 90}" for row in range(0, ROWS, 15)}  # six rows each
TEXTS = [RARE.get(row, f"town {place}") for row, place in enumerate(PLACES.tolist())]


def table(labels: list[str], *more: str) -> str:
    head = "x,town," + "".join(f"{name}," for name in more) + "y\n"
    return head + "".join(
        f"{row % 50}.5,{TEXTS[row]}," + "".join(f"{name} {(row * 7) % 401}," for name in more) + f"{labels[row]}\n"
        for row in range(ROWS)
    )


BINARY = [("no", "yes")[int(GENERATOR.random() < 0.3)] for _ in range(ROWS)]
NUMBERS = [f"{place % 13 + 0.25 * (row % 40)}" for row, place in enumerate(PLACES.tolist())]
THREE = [("a", "b", "c")[row % 3] for row in range(ROWS)]


def columns(stage: Stage, run: Run) -> dict[str, dict[str, Any]]:
    return {column["name"]: column for column in stage.table(run)["encoding"]["columns"]}


def reason(stage: Stage, run: Run, name: str) -> str:
    described = stage.table(run)["profile"]
    return next(str(column["reason"]) for column in described if column["name"] == name)


@pytest.mark.parametrize("labels", [BINARY, NUMBERS], ids=["classes", "numbers"])
def test_many_values_are_codes_that_serving_gives_too(stage: Stage, labels: list[str]) -> None:
    run = stage.upload("t.csv", table(labels))
    assert run.state == "QUEUED", run.reason
    column = columns(stage, run)["town"]
    assert column["by_target"] is True
    assert 254 < len(column["categories"]) <= TOWNS
    sides, matrix = stage.array(run, "membership.npy"), stage.array(run, "matrix.npy")
    encoding = encoding_from_json(stage.table(run)["encoding"])
    served = encoding.read(ROWS, {"x": [f"{row % 50}.5" for row in range(ROWS)], "town": TEXTS})
    np.testing.assert_array_equal(matrix, np.array(served.vectors, np.float32))
    counts = np.bincount(matrix[sides == 0, 1].astype(int), minlength=len(column["categories"]) + 1)
    assert counts[:-1].min() >= 10, "a value enters from ten training rows on"
    assert not any("village" in name for name in column["categories"]), "rarer ones share the last code"
    assert "village" not in json.dumps(stage.table(run))


def test_masked_values_and_values_of_several_classes_are_left_out(stage: Stage) -> None:
    open_run = stage.upload("t.csv", table(BINARY))
    stage.spec("mask: [town]\n")
    masked = stage.upload("masked.csv", table(BINARY) + "\n")
    assert "town" not in columns(stage, masked)
    assert "different texts, too many to learn from" in reason(stage, masked, "town")
    assert "town 7" not in json.dumps(stage.table(masked))
    rules = [stage.table(run)["split"]["rule"] for run in (open_run, masked)]
    assert rules[0] == rules[1], "what is learned from moves no row"
    sides = [stage.array(run, "membership.npy") for run in (open_run, masked)]
    np.testing.assert_array_equal(*sides)
    stage.spec("target: y\n")
    several = stage.upload("three.csv", table(THREE))
    assert "town" not in columns(stage, several)


def test_a_bundle_holds_a_bounded_number_of_values(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "MAX_VALUES", 700)
    found = columns(stage, stage.upload("t.csv", table(NUMBERS, "shop", "street")))
    kept = [len(found[name]["categories"]) for name in ("town", "shop", "street") if name in found]
    assert len(kept) == 2
    assert sum(kept) <= 700
