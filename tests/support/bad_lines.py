"""Captured lines that no reader takes, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.capture_world import (
    error,
    label,
    prediction,
)

if TYPE_CHECKING:
    pass

ROW = (4_000.0, True, "2026-02-01", "Biscoe")
BAD_LINES: list[bytes | dict[str, Any]] = [
    b"{not json",
    b"[1]",
    b"\xff\xfe",
    prediction([ROW], format_version=9),
    prediction([ROW], kind="other"),
    prediction([ROW], kind=["list"]),
    prediction([ROW], model="unknown-model"),
    prediction([ROW], model="../escape"),
    prediction([ROW], run_id="0199f0a0-0000-7000-8000-00000000ffff"),
    prediction([ROW], run_id="../../serving/penguins"),
    prediction([ROW], version=7),
    prediction([ROW], id="not-an-id"),
    prediction([ROW], rows=3),
    prediction([ROW], rows=-1),
    prediction([ROW], variant="other"),
    prediction([ROW], rollout="../../index"),
    prediction([ROW], rollout=7),
    error(rollout="x/y"),
    prediction([ROW], predict="Adelie"),
    prediction([ROW], proba=[0.5]),
    prediction([ROW], proba=[[]]),
    prediction([ROW], proba=[["x"]]),
    prediction([ROW], predict=[["nested"]]),
    prediction([ROW], latency_ms=None),
    prediction([ROW], latency_ms=1e308),
    prediction([("text", True, "2026-02-01", "Biscoe")]),
    prediction([(1.0, "yes", "2026-02-01", "Biscoe")]),
    prediction([(1.0, True, "yesterday", "Biscoe")]),
    prediction([(1.0, True, "2026-02-01", ["list"])]),
    error(model="unknown-model"),
    prediction([ROW], proba=[[1e300, 0]]),
    prediction([ROW], proba=[["0.5", "0.5"]]),
    prediction([ROW], proba=[[0.5, 0.25, 0.25]]),
    error(error_code=5),
    label(prediction([ROW])["id"], 1.0, model="unknown-model"),
    label("not-an-id", 1.0),
    label(prediction([ROW])["id"], None),
    label(prediction([ROW])["id"], 1.0, row=-1),
]
