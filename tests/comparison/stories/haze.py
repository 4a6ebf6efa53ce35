"""The long story: a binary model learns from the winter, sees July, and is replaced by what the labels teach.

Drift, degraded quality, a retraining that the loop asks for, a gate that wants a person, a challenger that the judge
promotes, and the lineage of what it answered.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.comparison import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.comparison.stand import Stand
    from tests.comparison.tables import Row

MODEL = "haze"
SPEC = (
    b"""target: hazy
estimators: [hist_gradient_boosting]
params: {hist_gradient_boosting: {max_iter: 12, max_leaf_nodes: 8}}
promotion: {canary_percent: 50, bake_minutes: 30, margin: 0.05}
monitoring: {min_rows: 500}
retrain: {cooldown_hours: 24, max_per_day: 3}
protected: [origin]
"""
    + tables.MISSING
)
TRAINED, QUIET, SHIFTED = 1_500, 600, 700


def tell(stand: Stand) -> None:
    """Take the model through all of it."""
    stand.put("haze/spec", f"datasets/{MODEL}/model.yaml", SPEC)
    stand.upload("haze/winter", f"datasets/{MODEL}/winter.csv", tables.text(tables.weather("123")[:TRAINED]))
    _ask(stand, "haze/december", tables.weather(["12"])[:QUIET], 100)
    stand.deliver("haze/december", paced)
    stand.tick("haze/quiet", MODEL)
    july = tables.weather(["7"])
    answers = _ask(stand, "haze/july", july[:SHIFTED], 50)
    stand.deliver("haze/july", paced)
    stand.tick("haze/drift", MODEL)
    _label(stand, "haze/july", answers)
    stand.deliver("haze/labels")
    stand.wait(hours=26)
    stand.tick("haze/degraded", MODEL)
    (request,) = [payload for name, payload in stand.journal.requests if name == "training-trigger"]
    stand.request("haze/retraining", request)
    stand.tick("haze/retrained", MODEL)
    stand.act("haze/approve", f"/models/{MODEL}/approve", version=2, reason="summer is no fault")
    answers = _ask(stand, "haze/challenged", july[SHIFTED : SHIFTED + 640], 2)
    _label(stand, "haze/challenged", answers)
    stand.deliver("haze/challenged", paced)
    stand.tick("haze/baking", MODEL)
    stand.wait(hours=1)
    stand.tick("haze/judged", MODEL)
    stand.wait(hours=27)
    stand.tick("haze/watched", MODEL)
    stand.tick("haze/everything")
    versions = {answer.headers.get("x-modelloop-version"): answer for answer in stand.journal.answers.values()}
    traced = f"/models/{MODEL}/lineage/{versions['2'].prediction_id}"  # the last answer of the second version
    stand.ask("haze/lineage", "GET", traced, query={"row": "1"})
    stand.ask("haze/lineage-missing", "GET", traced, query={"row": "2"})
    stand.ask("haze/drift-column", "GET", f"/models/{MODEL}/drift", query={"column": "temp", "limit": "3"})


def paced(record: dict[str, Any]) -> dict[str, Any]:
    """Give a capture record the durations that a clock which stands still cannot."""
    if "latency_ms" not in record:
        return record
    chance = int(record["id"][-6:], 16)
    return record | {"latency_ms": 1.5 + chance % 400 / 10, "overhead_ms": chance % 7 / 2}


def _ask(stand: Stand, name: str, rows: Sequence[Row], size: int) -> list[tuple[Row, str, int]]:
    """Send rows in requests of a size; return each with the id of its prediction and its place in it."""
    answers: list[tuple[Row, str, int]] = []
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        cells = [{column: cell for column, cell in row.items() if column != "hazy"} for row in part]
        answer = stand.act(f"{name}/{start}", f"/models/{MODEL}/invocations", dataframe_records=cells)
        assert answer.status == 200, answer.body
        answers += [(row, answer.prediction_id, place) for place, row in enumerate(part)]
    return answers


def _label(stand: Stand, name: str, answers: Sequence[tuple[Row, str, int]]) -> None:
    items = [{"id": identifier, "row": place, "label": row["hazy"]} for row, identifier, place in answers]
    answer = stand.act(f"{name}/labels", f"/models/{MODEL}/feedback", feedback=items)
    assert json.loads(answer.body)["accepted"] == len(items)
