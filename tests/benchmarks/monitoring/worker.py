"""`python -m tests.benchmarks.monitoring.worker FILE`: aggregate one capture object when a line comes on stdin."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from metrics_aggregation.aggregation import Aggregation, Source
from tests.benchmarks.monitoring.corpus import Known

WARM_BYTES = 4 << 20


def main(path: Path) -> None:
    """Tell that the object is read, wait, aggregate it, and tell what it took."""
    known = Known()
    body = path.read_bytes()
    aggregate(body[:WARM_BYTES], known)
    print("ready", flush=True)
    sys.stdin.readline()
    wall, cpu = time.perf_counter(), time.process_time()
    aggregation, stored = aggregate(body, known)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took = {"rows": aggregation.counted["rows"], "seconds": wall, "cpu": cpu, "peak": peak, "stored": stored / 2**20}
    print(json.dumps(took | {"refused": aggregation.counted["quarantined"]}))


def aggregate(body: bytes, known: Known) -> tuple[Aggregation, int]:
    """Return an object's aggregation, and how many bytes it would store."""
    aggregation = Aggregation(Source("captures/1", None, "0" * 64, "2026-11-23T10"), known)
    aggregation.read(body)
    return aggregation, sum(len(output) for _, output in aggregation.outputs())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
