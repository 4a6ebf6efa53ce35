"""Joint change and expected errors on real tables, and what counting pairs of columns costs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from modelloop.monitoring.drift import joint
from tests.benchmarks import sections
from tests.benchmarks.joint import results
from tests.benchmarks.joint.results import Cost, Measured, Quiet
from tests.benchmarks.monitoring import corpus, worker
from tests.support.drift import together

if TYPE_CHECKING:
    from tests.benchmarks.targets import Target

PERMUTED = {"lateness": together.lateness, "seats": together.seats, "weather": together.weather}
QUIET = PERMUTED | {"airtime": together.airtime, "tumours": together.tumours}
SIZES = ((200, 200), (1_200, 500), (1_400, 1_000), (3_000, 5_000))
MODELS, DRAWS = 50, 4
WINDOWS = 1_000
ROWS_A_REQUEST, MEGABYTES, ROUNDS = 20, 12, 5


def run() -> list[Target]:
    """Simulate and measure, write the section and return the targets."""
    found = Measured(
        permuted={name: together.found_permuted(task(), results.PERMUTED_WINDOWS) for name, task in PERMUTED.items()},
        quiet=[_quiet(sizes) for sizes in SIZES],
        held={name: together.held(task(), MODELS, DRAWS) for name, task in together.MEASURED.items()},
        cost=_cost(),
    )
    sections.record("joint", results.section(found))
    return results.targets(found)


def _quiet(sizes: tuple[int, int]) -> Quiet:
    tasks = [task() for task in QUIET.values() if 3 * len(task().target) // 4 >= sum(sizes)]
    share = -(-WINDOWS // len(tasks))
    print(f"{len(tasks)} tables, windows of {sizes[1]} rows", file=sys.stderr, flush=True)
    false = sum(together.false_joint(task, sizes, share) for task in tasks)
    return Quiet(*sizes, len(tasks), share * len(tasks), false)


def _cost() -> Cost:
    """Return what counting costs with and without pairs, and what testing them does."""
    print("what pairs cost", file=sys.stderr, flush=True)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "object"
        corpus.write(path, ROWS_A_REQUEST, MEGABYTES)
        body = path.read_bytes()
    sides = {paired: corpus.Known(paired=paired) for paired in (False, True)}
    seconds: dict[bool, list[float]] = {False: [], True: []}
    sizes, rows = {}, 0
    for _ in range(ROUNDS):
        for paired, known in sides.items():
            start = time.process_time()
            aggregation, _ = worker.aggregate(body, known)
            seconds[paired].append(time.process_time() - start)
            rows = aggregation.counted["rows"]
            sizes[paired] = sum(len(text) for key, text in aggregation.outputs() if key.startswith("summaries/"))
    return Cost(rows, sizes[False], sizes[True], min(seconds[True]) / min(seconds[False]), _test_milliseconds())


def _test_milliseconds() -> float:
    """Return the processor time of testing a window's pairs, in milliseconds."""
    made, random = together.version(together.lateness(), 0), np.random.default_rng(0)
    rows = made.task.table.matrix[together.draw(made, random, 1_000)]
    counted = together.window(made.known, made.task.table, rows, made.model.predict(rows))
    start = time.process_time()
    for _ in range(ROUNDS):
        joint.compare(made.known, counted)
    return (time.process_time() - start) * 1e3 / ROUNDS
