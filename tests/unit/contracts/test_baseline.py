"""Baselines as versions carry them: today's bytes, read and written back as they are."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from modelloop.contracts.baseline import baseline_from_json
from modelloop.errors import ArtifactRefusedError

SAMPLES = sorted((Path(__file__).parents[2] / "comparison" / "golden" / "versions").glob("*/baseline.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_a_baseline_is_read_and_written_back_as_it_is(path: Path) -> None:
    body = path.read_bytes().strip()
    assert orjson.dumps(baseline_from_json(orjson.loads(body)).to_json()) == body


def test_another_format_is_refused_with_what_can_be_read() -> None:
    with pytest.raises(ArtifactRefusedError, match="format version 9, and version 1 can be read"):
        baseline_from_json({"format_version": 9})


def test_a_damaged_baseline_is_refused() -> None:
    with pytest.raises(ArtifactRefusedError, match="the baseline is damaged: KeyError"):
        baseline_from_json({"format_version": 1, "rows": 1, "columns": [{"name": "a"}]})
