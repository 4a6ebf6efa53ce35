"""`python -m tests.benchmarks [PART]...`: measure on this machine and write the parts' sections of RESULTS.md."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from tests.benchmarks import sections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.targets import Target

os.environ.setdefault("OMP_NUM_THREADS", "1")


def main(parts: Sequence[str]) -> int:
    """Measure and print; 1 when a target is missed without a measured reason."""
    targets: list[Target] = []
    for part in parts:
        targets += import_module(f"tests.benchmarks.{part}.run").run()
        print(sections.sections(sections.PAGE.read_text())[part])
    missed = [target for target in targets if not target.met]
    print(f"{len(missed)} targets missed" if missed else "every target met")
    for target in missed:
        print(target.row())
    return 1 if any(not target.why for target in missed) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or sections.PARTS))
