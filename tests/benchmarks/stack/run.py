"""How long people wait for the embedded stack: from an upload to the first answer, and for the demo's second run."""

from __future__ import annotations

import shutil
import time
from dataclasses import fields
from typing import TYPE_CHECKING

import duckdb

from modelloop_cli.console import Console
from modelloop_cli.demo import job
from modelloop_client.client import Client
from modelloop_client.run_progress import find_run, follow, require_success
from modelloop_client.stacks import Stack
from modelloop_client.uploads import upload
from modelloop_stack import processes
from modelloop_stack import stack as embedded
from modelloop_stack.build.paths import ROOT
from tests.benchmarks import sections
from tests.benchmarks.stack import results
from tests.benchmarks.training import tables

if TYPE_CHECKING:
    from tests.benchmarks.targets import Target

STATE = ROOT / ".local" / "benchmarks"
MODEL = "ten-thousand"


def run() -> list[Target]:
    """Measure on a stack without data, write the section and return the targets."""
    processes.down(STATE)
    shutil.rmtree(STATE, ignore_errors=True)
    try:
        info = embedded.up(STATE)
        with Client(Stack(**{field.name: getattr(info, field.name) for field in fields(Stack)})) as client:
            live = _upload_to_live(client)
            first, second = _run_demo(client.stack), _run_demo(client.stack)
    finally:
        processes.down(STATE)
    measured = results.Measured(live, first, second)
    sections.record("stack", results.section(measured))
    return results.targets(measured)


def _upload_to_live(client: Client) -> float:
    """Return the seconds from the upload of 10,000 rows of 20 columns to the first answer of their model."""
    table = tables.make(tables.Shape(10_000))
    (row,) = duckdb.read_csv(str(table)).select("* EXCLUDE target").limit(1).to_df().to_dict("records")
    sent_row = {name: None if value != value else str(value) for name, value in row.items()}  # noqa: PLR0124  NaN alone
    started = time.monotonic()
    sent = upload(client.stack, MODEL, table, force=True, on_progress=lambda _: None)
    require_success(follow(client, MODEL, find_run(client, MODEL, sent)["run_id"], lambda _: None))
    client.predict(MODEL, [sent_row])
    return time.monotonic() - started


def _run_demo(stack: Stack) -> float:
    started = time.monotonic()
    steps = job.run(Console(notes_to_stdout=True), stack)
    assert not steps.failed, "a step of the demo failed"
    return time.monotonic() - started
