"""All measurements of monitoring in one run."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from modelloop.monitoring import summary
from tests.benchmarks import sections
from tests.benchmarks.monitoring import corpus, history, results, throughput, worker, yardsticks
from tests.benchmarks.monitoring.results import Measured, Shape

if TYPE_CHECKING:
    from tests.benchmarks.targets import Target

MEGABYTES, COMPARED, SWOLLEN = 128, 32, 640
ROWS = (1, 20, 100)


def run() -> list[Target]:
    """Measure, write the section and return the targets."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "object"
        shapes = [_shape(rows, path) for rows in ROWS]
        _tell("a packed object that swells")
        corpus.write(path, 1, SWOLLEN, packed=True)
        swollen = throughput.measure(path, processes=1, rounds=1)
    _tell("verdicts by length of history")
    ticks = {kind: history.measure(rows) for kind, rows in history.HOURLY.items()}
    found = Measured(MEGABYTES, shapes, swollen, ticks)
    sections.record("monitoring", results.section(found))
    return results.targets(found)


def _shape(rows: int, path: Path) -> Shape:
    _tell(f"{rows} rows a request")
    corpus.write(path, rows, COMPARED)
    plain, counted = yardsticks.measure(yardsticks.plain, path)
    duckdb, by_duckdb = yardsticks.measure(yardsticks.by_duckdb, path)
    assert counted == by_duckdb == _ours(path)
    corpus.write(path, rows, MEGABYTES)
    return Shape(rows, throughput.measure(path, processes=1), throughput.measure(path, processes=2), plain, duckdb)


def _ours(path: Path) -> yardsticks.Histograms:
    """Return what our summaries count of an object's numbers."""
    aggregation, _ = worker.aggregate(path.read_bytes(), corpus.Known())
    stored = [body for key, body in aggregation.outputs() if key.startswith("summaries/")]
    columns = summary.total(summary.from_bytes(body).counts for body in stored)["columns"]
    return {name: columns[name]["counts"] for name in corpus.NUMBERS}


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
