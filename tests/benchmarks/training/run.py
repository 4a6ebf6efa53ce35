"""How long, and in how much memory, real intake and the real trainer bring a table to a serving version."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from tests.benchmarks import sections
from tests.benchmarks.training import results, tables
from tests.benchmarks.training.results import Measured
from tests.benchmarks.training.stage import TRAINER_MEMORY, Stage, stage

if TYPE_CHECKING:
    from tests.benchmarks.targets import Target

SHAPES = (
    tables.Shape(10_000),
    tables.Shape(100_000),
    tables.Shape(100_000, classes=0),
    tables.Shape(100_000, classes=10),
    tables.Shape(100_000, columns=100),
    tables.Shape(1_000_000),
    tables.Shape(1_000_000, classes=0),
    tables.Shape(8_000_000),
)
MOST_PLAIN = 1_000_000  # a notebook would not hold more


def run() -> list[Target]:
    """Measure, write the section and return the targets."""
    with stage() as around:
        measured = [_measure(around, shape) for shape in SHAPES]
    sections.record("training", results.section(measured))
    return results.targets(measured)


def _measure(around: Stage, shape: tables.Shape) -> Measured:
    print(f"training: {shape.rows:,} x {shape.columns}, {shape.classes or 'no'} classes", file=sys.stderr, flush=True)
    table = tables.make(shape)
    intake = around.take_in(table, f"m{shape.rows}-{shape.columns}-{shape.classes}")
    trainer = around.train(intake.answer)
    run = around.find_run(intake.answer)
    if run["state"]["S"] != "SUCCEEDED":
        raise RuntimeError(f"the run ended {run['state']['S']}: {run['reason']}")
    plain = None
    if shape.rows <= MOST_PLAIN:
        plain = around.run("plain", str(table), str(shape.classes), memory=TRAINER_MEMORY)
    return Measured(shape, table.stat().st_size, intake, trainer, plain, json.loads(run["plan"]["M"]["json"]["S"]))
