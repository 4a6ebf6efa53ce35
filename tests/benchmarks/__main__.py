"""`make bench`: measure serving on this machine and write RESULTS.md and serving.svg beside this file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).parent


def main() -> int:
    """Measure, write, print; 1 when a target is missed without a measured reason."""
    from tests.benchmarks.serving import results  # noqa: PLC0415  after the environment is set
    from tests.benchmarks.serving.run import measure  # noqa: PLC0415

    starts, loops, warms, picture = measure()
    page = results.page(starts, loops, warms)
    (HERE / "RESULTS.md").write_text(page)
    (HERE / "serving.svg").write_text(picture)
    print(page)
    missed = [target for target in results.targets(starts, warms) if not target.met]
    print(f"{len(missed)} targets missed" if missed else "every target met")
    for target in missed:
        print(target.row())
    return 1 if any(not target.why for target in missed) else 0


if __name__ == "__main__":
    sys.exit(main())
