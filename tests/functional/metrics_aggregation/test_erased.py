from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from metrics_aggregation.handler import handler
from modelloop.captures import erasure
from tests.support.capture_world import MODEL, prediction

if TYPE_CHECKING:
    from tests.support.capture_world import World


def test_an_object_that_was_rewritten_to_erase_a_row_counts_nobody_twice(world: World, context: Any) -> None:
    gone = prediction([(4_000.0, True, "2026-02-01", "Biscoe"), (4_100.0, False, "2026-02-02", "Dream")])
    event = world.capture([gone, prediction([(4_200.0, False, "2026-02-02", "Dream")])])
    handler(event, context)
    before = world.yielded()

    rewritten = erasure.erase_from_captures(json.dumps(gone).encode(), MODEL, erasure.RowSelection(gone["id"], 1))
    assert rewritten.rows == 1
    key = "captures/2026/11/23/10/1"
    answer = handler(world.event(key, world.store(key, rewritten.body, "capture")), context)

    assert answer == {"batchItemFailures": []}
    assert world.yielded() == before
