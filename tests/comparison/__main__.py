"""`python -m tests.comparison record [COMMIT]`: replace the recording; `compare`: say how this code differs from it;
`speed CHECKOUT`: say whether this code is slower than that of another checkout.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.comparison import recorder, recording, speed
from tests.comparison.allowed import ALLOWED
from tests.comparison.differences import compare
from tests.comparison.routes import ROOT


def main(words: list[str]) -> int:
    """Do what the words ask for; return the exit status."""
    match words:
        case ["collect", folder, *samples]:  # the child process of the others
            recorder.collect(Path(folder), Path(samples[0]) if samples else None)
        case ["record", *commit]:
            recorder.record(commit[0] if commit else _head())
        case ["compare"]:
            with tempfile.TemporaryDirectory() as folder:
                left, unused = compare(recording.load(), recorder.run(Path(folder)), ALLOWED)
            print(
                f"{len(left)} differences", *left, *(f"allows nothing that is there: {one}" for one in unused), sep="\n"
            )
            return 1 if left or unused else 0
        case ["work"]:  # a side of `speed`
            speed.work(sys.stdout)
        case ["speed", checkout]:
            return 0 if speed.compare(Path(checkout)) else 1
        case _:
            print(__doc__)
            return 2
    return 0


def _head() -> str:
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
