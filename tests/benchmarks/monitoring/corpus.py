"""Capture objects of a model with 20 columns, as the data plane writes them, and what is known of that model."""

from __future__ import annotations

import gzip
from functools import cache
from itertools import cycle
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from metrics_aggregation.watched import Watched
from modelloop import clock
from modelloop.contracts.capture_record import PredictionRecord, prediction_lines
from modelloop.ids import uuid7
from modelloop.monitoring.drift import baseline, pairs
from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from tests.support.manifests import manifest_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelloop.contracts.manifest import Manifest

MODEL, RUN_ID = "flights", "0199f0a0-0000-7000-8000-000000000001"
START = clock.to_ms("2026-11-23T10:00:00Z")
CLASSES = ["late", "on time"]
NUMBERS = [f"number_{place:02d}" for place in range(14)]
TEXTS = {"carrier": 16, "origin": 3, "destination": 100, "plane": 12}
ENCODING = Encoding([
    *(Column(name, "number") for name in NUMBERS),
    Column("holiday", "boolean"),
    Column("day", "date", origin="2026-01-01"),
    *(Column(name, "text", tuple(f"{name}-{at}" for at in range(size))) for name, size in TEXTS.items()),
])  # fmt: skip
TEMPLATES = 500
_MS_APART = 20


@cache
def manifest(*, paired: bool = True) -> Manifest:
    """Return the manifest of the version that made the captures; not `paired`: from before pairs were counted."""
    random = np.random.default_rng(7)
    matrix = random.normal(0, 1, (5_000, len(ENCODING.slots)))
    for column, slot in baseline.first_slots(ENCODING):
        if column.kind == "number":
            matrix[:, slot] = matrix[:, slot] * (slot + 1) + 10 * slot
        else:
            highest = {"boolean": 2, "date": 330}.get(column.kind) or len(column.categories)
            matrix[:, slot] = random.integers(0, highest, len(matrix))
    rows = pairs.AnsweredRows(matrix.astype(np.float32), random.integers(0, 2, len(matrix)))
    known = baseline.build(ENCODING, rows.matrix, rows.predictions, CLASSES, mask=())
    if paired:
        known = pairs.with_pairs(known, ENCODING, [column.name for column in ENCODING.columns], rows, rows)
    return manifest_of(
        model=MODEL, version=1, run_id=RUN_ID, classes=tuple(CLASSES), encoding=ENCODING, baseline=known, spec=Spec()
    )


class Known:
    """The registry of versions, with this one in it."""

    def __init__(self, *, paired: bool = True) -> None:
        self._watched = Watched(manifest(paired=paired))

    def version(self, model: str, run_id: str) -> Watched | None:
        return self._watched if (model, run_id) == (MODEL, RUN_ID) else None

    def model(self, model: str) -> bool:
        return model == MODEL


def write(path: Path, rows: int, megabytes: int, *, packed: bool = False) -> None:
    """Write an object of so many megabytes of lines, each a request of so many rows."""
    left = megabytes << 20
    with cast("BinaryIO", gzip.open(path, "wb", 1)) if packed else path.open("wb") as file:
        for line in lines(rows):
            left -= file.write(line)
            if left <= 0:
                return


def lines(rows: int) -> Iterator[bytes]:
    """Yield lines without end: 500 requests in turn, with ids in the order of time."""
    random = np.random.default_rng(rows)
    halves = [_template(rows, random) for _ in range(max(TEMPLATES // rows, 20))]
    for at, (before, after) in enumerate(cycle(halves)):
        yield b"".join([before, uuid7(START + at * _MS_APART % 3_000_000).encode(), after, b"\n"])


def _template(rows: int, random: np.random.Generator) -> tuple[bytes, bytes]:
    share = random.random(rows).round(6).tolist()
    (line,) = prediction_lines(
        PredictionRecord(
            id="?",
            time=clock.from_ms(START),
            model=MODEL,
            version=1,
            run_id=RUN_ID,
            variant="champion",
            predict=[CLASSES[at < 0.5] for at in share],
            proba=[[at, round(1 - at, 6)] for at in share],
            columns=_cells(rows, random),
            latency_ms=float(random.gamma(2, 0.2)),
        )
    )
    before, after = line.split(b"?")
    return before, after


def _cells(rows: int, random: np.random.Generator) -> dict[str, list[Any]]:
    """Return cells of every column: whole numbers, short and long decimals, some missing; dates; categories, a few
    of them unseen."""
    cells: dict[str, list[Any]] = {}
    for place, name in enumerate(NUMBERS):
        values = random.normal(10 * place, place + 1, rows)
        cells[name] = (np.rint(values).astype(int) if place < 4 else values.round(2 if place < 9 else 6)).tolist()
    cells[NUMBERS[-1]] = [None if random.random() < 0.02 else value for value in cells[NUMBERS[-1]]]
    cells["holiday"] = (random.random(rows) < 0.1).tolist()
    cells["day"] = [f"2026-{1 + at % 11:02d}-{1 + at % 28:02d}" for at in random.integers(0, 330, rows).tolist()]
    for name, size in TEXTS.items():
        cells[name] = [f"{name}-{at}" for at in random.integers(0, size + 1, rows).tolist()]
    return cells
