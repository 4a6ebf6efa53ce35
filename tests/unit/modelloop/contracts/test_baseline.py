from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from modelloop.contracts.baseline import baseline_from_json
from modelloop.errors import ArtifactRefusedError

SAMPLES = sorted((Path(__file__).parents[3] / "comparison/golden/versions").glob("*/baseline.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_a_baseline_of_today_is_written_back_byte_for_byte(path: Path) -> None:
    body = path.read_bytes()
    assert orjson.dumps(baseline_from_json(orjson.loads(body)).to_json()) == body


def test_there_is_a_sample_with_and_one_without_seasons() -> None:
    known = [baseline_from_json(orjson.loads(path.read_bytes())) for path in SAMPLES]
    assert {baseline.columns[0].hours is None for baseline in known} == {True, False}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"format_version": 2}, "format version 2, and version 1 can be read"),
        ({"rows": 1}, "format version None"),
        ({"format_version": 1, "rows": 1, "columns": [{}]}, "damaged"),
        (["no object"], "the baseline is damaged: it is no JSON object"),
    ],
)
def test_what_cannot_be_read_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(ArtifactRefusedError, match=re.escape(reason)):
        baseline_from_json(document)
