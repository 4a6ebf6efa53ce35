"""Whether another checkout of the product is slower: both do the same work by turns, in one process tree.

`python -m tests.comparison speed CHECKOUT` compares this checkout with that one, which must have its own `.venv`.
Each turn one side works while the other waits, so both see the same machine; what is judged is the median of the
ratios of the rounds. Batches answer, count and train through the handlers alone, on the stand of the recording.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.comparison import tables
from tests.comparison.routes import ROOT
from tests.comparison.stand import Stand
from tests.comparison.stillness import PINNED, Stillness
from tests.comparison.stories import penguins

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 10
MAX_RATIO = 1.05
REPEATS = {"open inference": 100, "mlflow": 100, "refusals": 100, "counting": 2, "training": 1}
ANSWERING = {"open inference", "mlflow", "refusals"}  # on this thread alone; the stores and streams are on others
IMPORT = "import inference.handler"
IMPORTS_A_ROUND = 5


def work(answers: Any) -> None:
    """Serve in this process: for each batch named on a line of stdin, write its processor seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        clocks = {name: time.thread_time if name in ANSWERING else time.process_time for name in REPEATS}
        stand = Stand(Stillness(), Path(scratch))
        stand.put("spec", f"datasets/{penguins.MODEL}/model.yaml", penguins.SPEC.replace(tables.MISSING, b""))
        stand.upload("first", f"datasets/{penguins.MODEL}/penguins.csv", tables.penguins())
        batches = _batches(stand)
        for batch in batches.values():
            batch(0)
        print("ready", file=answers, flush=True)
        for turn, line in enumerate(sys.stdin, start=1):
            name = line.strip()
            began = clocks[name]()
            batches[name](turn)
            print(clocks[name]() - began, file=answers, flush=True)


def _batches(stand: Stand) -> dict[str, Callable[[int], None]]:
    rows, many = penguins.features(slice(0, 1)), penguins.features(slice(None))
    inputs = [
        {"name": name, "datatype": "FP64" if name in penguins.NUMBERS else "BYTES", "shape": [1], "data": [cell]}
        for name, cell in rows[0].items()
    ]

    def ask(name: str, path: str, document: dict[str, Any], status: int = 200) -> Callable[[int], None]:
        def batch(turn: int) -> None:
            for repeat in range(REPEATS[name]):
                answer = stand.act(f"{name}/{turn}/{repeat}", path, **document)
                assert answer.status == status, answer

        return batch

    def count(turn: int) -> None:
        for repeat in range(REPEATS["counting"]):
            name = f"counted/{turn}/{repeat}"
            stand.act(name, penguins.INVOCATIONS, dataframe_records=many)
            stand.deliver(name)

    def train(turn: int) -> None:
        stand.upload(f"trained/{turn}", f"datasets/other-{turn}/penguins.csv", tables.penguins())

    return {
        "open inference": ask("open inference", penguins.INFER, {"inputs": inputs}),
        "mlflow": ask("mlflow", penguins.INVOCATIONS, {"dataframe_records": rows}),
        "refusals": ask("refusals", penguins.INVOCATIONS, {"dataframe_records": [{"island": "Biscoe"}]}, 422),
        "counting": count,
        "training": train,
    }


class Side:
    """A checkout whose worker waits for batches."""

    def __init__(self, checkout: Path) -> None:
        self.python = str(checkout / ".venv" / "bin" / "python")
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MODELLOOP_"))}
        self._process = subprocess.Popen(
            [self.python, "-m", "tests.comparison", "work"],
            cwd=ROOT, env=own | PINNED, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def ready(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", "the worker did not start"

    def seconds(self, batch: str) -> float:
        """Return the seconds of one batch."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(batch, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def import_seconds(self) -> float:
        """Return the seconds of a process that only imports the inference function."""
        began = time.perf_counter()
        subprocess.run([self.python, "-c", IMPORT], check=True, cwd="/")
        return time.perf_counter() - began

    def imported(self) -> set[str]:
        """Return what that process imports beside the product's own modules."""
        words = [self.python, "-c", f"{IMPORT}, sys; print(*sys.modules)"]
        names = subprocess.check_output(words, cwd="/", text=True).split()
        return {name for name in names if name.partition(".")[0] not in {"inference", "modelloop"}}

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def compare(checkout: Path) -> bool:
    """Print the median ratio of every batch, this checkout over the other; return whether none is slower."""
    sides = Side(checkout), Side(ROOT)
    for side in sides:
        side.ready()
    ratios: dict[str, list[float]] = {}
    for turn in range(ROUNDS):
        order = sides if turn % 2 == 0 else sides[::-1]
        for batch in REPEATS:
            spent = {side: side.seconds(batch) for side in order}
            ratios.setdefault(batch, []).append(spent[sides[1]] / spent[sides[0]])
        starts: dict[Side, list[float]] = {side: [] for side in sides}
        for _ in range(IMPORTS_A_ROUND):
            for side in order:
                starts[side].append(side.import_seconds())
        ratios.setdefault("import", []).append(median(starts[sides[1]]) / median(starts[sides[0]]))
    added = sorted(sides[1].imported() - sides[0].imported())
    for side in sides:
        side.end()
    report = {batch: {"median": round(median(found), 3), "rounds": [round(one, 3) for one in found]}
              for batch, found in ratios.items()}  # fmt: skip
    print(json.dumps({"ratios": report, "imports more": added}, indent=2))
    return all(median(found) <= MAX_RATIO for found in ratios.values()) and not added
