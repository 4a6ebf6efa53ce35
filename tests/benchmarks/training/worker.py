"""One measured process: intake, the trainer, or what people would write instead; prints its figures as JSON.

The clock starts when the process is asked to work, so the imports that are made for it count.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS = 0.1


class Context:
    """As much of the Lambda context as the functions read."""

    function_name = "bench"
    function_version = "1"
    memory_limit_in_mb = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3008"))
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    aws_request_id = "bench"

    def get_remaining_time_in_millis(self) -> int:
        """Return the longest that Lambda gives."""
        return 900_000


class Disk(threading.Thread):
    """Watches how much the scratch folder holds at most."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.folder = Path(tempfile.gettempdir())

    def run(self) -> None:
        """Look until the process ends."""
        while True:
            self.look()
            time.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Add up the files that are there now; one that goes meanwhile is not there."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                try:
                    total += (Path(folder) / name).stat().st_size
                except FileNotFoundError:
                    continue
        self.peak = max(self.peak, total)


def intake(event: str) -> Any:
    """Take in the table of an S3 event; return the outcome."""
    from training_trigger.handler import handler  # noqa: PLC0415  a process does one kind of work

    (outcome,) = handler(json.loads(Path(event).read_text()), Context())["outcomes"]
    return outcome


def trainer(message: str) -> Any:
    """Train the run of a queue message."""
    from trainer.handler import handler  # noqa: PLC0415  a process does one kind of work

    return handler({"Records": [{"messageId": "1", "body": message}]}, Context())


def plain(table: str, classes: str) -> Any:
    """Fit the same two families on the same table as a notebook would: pandas, scikit-learn, one score."""
    from tests.benchmarks.training.yardstick import fit  # noqa: PLC0415  a process does one kind of work

    return fit(Path(table), int(classes))


WORK: dict[str, Callable[..., Any]] = {"intake": intake, "trainer": trainer, "plain": plain}


def main(what: str, *arguments: str) -> None:
    """Do one kind of work and print what it took."""
    disk = Disk()
    disk.start()
    started, before = time.perf_counter(), _cpu()
    answer = WORK[what](*arguments)
    wall, cpu = time.perf_counter() - started, _cpu() - before
    disk.look()
    figures = {"wall": wall, "cpu": cpu, "peak_mb": _peak(), "disk_mb": disk.peak / 1e6, "answer": answer}
    print(json.dumps(figures), file=sys.stderr)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak() -> float:
    """Return the most memory that was resident, in MB; `ru_maxrss` would count the parent's before the start."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
