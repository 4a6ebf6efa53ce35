from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from modelloop.contracts.replay_request import (
    ReplayRequest,
    ReplayVerdict,
    replay_request_from_json,
    replay_verdict_from_json,
)
from modelloop.errors import ArtifactRefusedError

GOLDEN = Path(__file__).parents[3] / "comparison" / "golden" / "requests"
REQUEST = ReplayRequest("m", "run", None, "file", "00", 1, "vectors.npy")


@pytest.mark.parametrize("name", ["replay-answer", "replay-compare"])
def test_a_recorded_request_and_its_verdict_are_read_and_written_as_they_are(name: str) -> None:
    body = (GOLDEN / f"{name}.json").read_bytes().strip()
    request = replay_request_from_json(orjson.loads(body))
    assert orjson.dumps(request.to_json()) == body
    assert (request.expected is None) is (name == "replay-answer")

    verdict = orjson.loads((GOLDEN / f"{name}-answer.json").read_bytes())
    written = replay_verdict_from_json(verdict).to_json()
    assert list(written.items()) == list(verdict.items())


def test_another_format_is_refused_with_what_was_met_and_what_can_be_read() -> None:
    with pytest.raises(ArtifactRefusedError, match="format version 2, and version 1 can be read"):
        replay_request_from_json(REQUEST.to_json() | {"format_version": 2})


@pytest.mark.parametrize("name", ["model", "run_id", "file", "sha256", "bytes", "vectors"])
def test_a_request_without_one_of_its_parts_is_refused(name: str) -> None:
    with pytest.raises(ArtifactRefusedError, match=name):
        replay_request_from_json({key: value for key, value in REQUEST.to_json().items() if key != name})


def test_a_verdict_of_other_parts_is_refused() -> None:
    with pytest.raises(ArtifactRefusedError, match="damaged"):
        replay_verdict_from_json(ReplayVerdict().to_json() | {"other": 1})
