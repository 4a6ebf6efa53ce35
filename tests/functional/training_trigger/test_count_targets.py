"""A target of counts: the first advice is the task that predicts counts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from modelloop.versions.run import REJECTED

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage


def claims(*, text: bool = False) -> str:
    """Return 400 rows with 0 to 7 claims, the large numbers rare."""
    drawn = random.Random(8)
    lines = ["age,region,claims"]
    for place in range(400):
        count = place % 4 if place >= 14 else 4 + place % 4
        lines.append(f"{drawn.randint(18, 80)},{drawn.choice('nsew')},{f'c{count}' if text else count}")
    return "\n".join(lines)


def test_rare_counts_are_told_of_regression_first(stage: Stage) -> None:
    run = stage.upload("claims.csv", claims())
    assert run.state == REJECTED
    assert run.reason is not None
    advice = run.reason.index("set `task: regression` in model.yaml if they are counts")
    assert advice < run.reason.index("add rows") < run.reason.index("rare_classes: merge")


@pytest.mark.parametrize(("table", "spec"), [(claims(text=True), ""), (claims(), "task: classification\n")])
def test_rare_names_and_classes_that_were_asked_for_are_not(stage: Stage, table: str, spec: str) -> None:
    stage.spec("target: claims\n" + spec)
    run = stage.upload("claims.csv", table)
    assert run.state == REJECTED
    assert run.reason is not None
    assert "regression" not in run.reason
    assert "add rows" in run.reason
