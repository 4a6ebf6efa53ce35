from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from inference import replay
from modelloop.aws import functions
from modelloop.contracts.replay_request import ReplayVerdict, replay_verdict_from_json
from modelloop.errors import ExportMismatchError, TransientError
from modelloop.flat import FlatModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.data_plane import Plane, Store

VECTORS = np.array([[1.0, 1.0], [0.5, 0.0], [np.nan, 2.0]], np.float32)


@pytest.fixture
def clean(plane: Plane) -> Iterator[None]:
    assert plane.service
    replay._objects.cache_clear()
    yield
    replay._objects.cache_clear()


def probabilities() -> np.ndarray[Any, Any]:
    score = np.array([3.0, -1.5, 0.5])
    positive = 1 / (1 + np.exp(-score))
    return np.column_stack([1 - positive, positive])


def event(store: Store, expected: np.ndarray[Any, Any], **changes: Any) -> dict[str, Any]:
    ref = store.version(1, **changes)
    for key, array in (("prepared/v.npy", VECTORS), ("prepared/e.npy", expected)):
        buffer = BytesIO()
        np.save(buffer, array)
        store.put(key, buffer.getvalue())
    facts = {key: ref[key] for key in ("run_id", "file", "sha256", "bytes")}
    return {"format_version": 1, "model": "penguins", "vectors": "prepared/v.npy", "expected": "prepared/e.npy"} | facts


def replayed(request: dict[str, Any]) -> ReplayVerdict:
    """Return what the handler answers, as its caller reads it."""
    return replay_verdict_from_json(replay.handler(request, None))


@pytest.mark.usefixtures("clean")
def test_an_equal_export_passes(store: Store) -> None:
    verdict = replayed(event(store, probabilities()))
    assert verdict.ok
    assert verdict.golden_ok
    assert (verdict.rows, verdict.mismatches, verdict.engine, verdict.reason) == (3, 0, "flat", None)


@pytest.mark.usefixtures("clean")
def test_one_row_that_differs_is_found(store: Store) -> None:
    expected = probabilities()
    expected[1] = [0.5, 0.5]
    verdict = replayed(event(store, expected))
    assert not verdict.ok
    assert verdict.mismatches == 1
    assert "row" in (verdict.reason or "")


@pytest.mark.usefixtures("clean")
def test_without_expected_answers_the_answers_come_back(store: Store) -> None:
    asked = {name: value for name, value in event(store, probabilities()).items() if name != "expected"}
    said = replayed(asked)
    answers = np.frombuffer(b64decode(said.answers or ""), np.float64).reshape(3, 2)
    assert answers == pytest.approx(probabilities(), abs=1e-12)
    assert (said.ok, said.rows, said.engine) == (True, 3, "flat")
    refused = replayed(asked | {"sha256": "0" * 64})
    assert refused.answers is None
    assert "digest" in (refused.reason or "")


@pytest.mark.usefixtures("clean")
def test_an_engine_that_fails_says_why(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("Got invalid dimensions for input")

    monkeypatch.setattr(FlatModel, "predict", fail)
    asked = {name: value for name, value in event(store, probabilities()).items() if name != "expected"}
    said = replayed(asked)
    assert (said.ok, said.answers) == (False, None)
    assert said.reason == "RuntimeError: Got invalid dimensions for input"


class Hanging:
    """A Lambda client whose invocations end as told."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def invoke(self, **_: Any) -> None:
        raise self.error


@pytest.mark.parametrize(("error", "meaning", "says"), [
    (ReadTimeoutError(endpoint_url="x"), ExportMismatchError, "did not answer within 120 s"),
    (ConnectTimeoutError(endpoint_url="x"), TransientError, "try again"),
])  # fmt: skip
def test_a_model_that_hangs_is_no_outage(
    monkeypatch: pytest.MonkeyPatch, error: Exception, meaning: type[Exception], says: str
) -> None:
    monkeypatch.setattr(functions, "client", lambda *_args, **_options: Hanging(error))
    with pytest.raises(meaning, match=says):
        functions.ReplayFunction("f").replay({})


@pytest.mark.usefixtures("clean")
def test_other_golden_answers_are_found(store: Store) -> None:
    golden = {"rows": [{"mass": 0.0, "island": "x"}], "outputs": [{"predict": "Adelie", "predict_proba": [0.6, 0.4]}]}
    verdict = replayed(event(store, probabilities(), golden=golden))
    assert not verdict.ok
    assert not verdict.golden_ok


@pytest.mark.usefixtures("clean")
def test_a_tampered_bundle_is_refused_with_a_reason(store: Store) -> None:
    tampered = event(store, probabilities()) | {"sha256": "0" * 64}
    verdict = replayed(tampered)
    assert not verdict.ok
    assert "digest" in (verdict.reason or "")
