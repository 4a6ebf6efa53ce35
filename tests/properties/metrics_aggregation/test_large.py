"""A capture object of 128 MB fits the function's gigabyte, and time enough is left."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.monitoring import corpus, results, throughput

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import sys, time
from pathlib import Path
import orjson
from metrics_aggregation.aggregation import Aggregation, Source
from modelloop.ids import uuid7
from tests.support.capture_world import prediction, usual_rows
from tests.support.known_versions import Known

rows, megabytes = int(sys.argv[1]), int(sys.argv[2])
lines = [orjson.dumps(prediction(usual_rows(rows, seed)) | {"id": "?"}) for seed in range(20)]
parts, size = [], 0
while size < megabytes << 20:
    parts.append(lines[len(parts) % 20].replace(b'"?"', b'"' + uuid7().encode() + b'"'))
    size += len(parts[-1]) + 1
count, body = len(parts), b"\\n".join(parts)
del parts
start = time.process_time()
aggregation = Aggregation(Source("k", None, "d", "2026-11-23T10"), Known())
aggregation.read(body)
stored = sum(len(output) for _, output in aggregation.outputs())
seconds = time.process_time() - start
assert aggregation.counted["rows"] == count * rows, aggregation.counted
status = Path("/proc/self/status").read_text()  # getrusage would count the parent before the exec
peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
print(f"{count * rows / seconds:.0f} rows/s, {megabytes / seconds:.0f} MB/s, {peak} MB at peak, {stored >> 20} stored")
sys.exit(peak > 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 100])
def test_a_large_capture_object_is_read_within_a_gigabyte(rows: int) -> None:
    command = [sys.executable, "-c", SCRIPT, str(rows), "128"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_packed_object_that_swells_stays_within_the_function(tmp_path: Path) -> None:
    corpus.write(tmp_path / "object", rows=1, megabytes=640, packed=True)
    ((took,),) = throughput.measure(tmp_path / "object", processes=1, rounds=1).rounds
    assert took.peak < results.MEMORY / 2
    assert took.refused == 1
