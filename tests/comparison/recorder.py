"""Record: run every story in a process of its own, whose clocks and chance stand still, and keep what was seen."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from tests.comparison import golden, recording
from tests.comparison.environment import ARTIFACTS, LIMITS
from tests.comparison.normalisation import normalised
from tests.comparison.routes import ROOT
from tests.comparison.stand import Stand
from tests.comparison.stillness import PINNED, Stillness
from tests.comparison.stories import haze, penguins, uploads

ABOUT = Path(__file__).parent / "recorded" / "about.json"
GOLDEN = Path(__file__).parent / "golden"
PACKAGES = ("numpy", "scipy", "scikit-learn", "duckdb", "onnx", "onnxruntime", "skl2onnx", "orjson", "palmerpenguins")


def environment() -> dict[str, object]:
    """Return what the figures of a recording depend on beside the product."""
    return {"machine": platform.machine(), "packages": {name: version(name) for name in PACKAGES}}


def run(folder: Path, samples: Path | None = None) -> recording.Recording:
    """Record in a process of its own into a folder, with golden samples into another, and return the recording."""
    words = [sys.executable, "-m", "tests.comparison", "collect", str(folder), *([str(samples)] if samples else [])]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MODELLOOP_"))}
    done = subprocess.run(words, env=own | PINNED, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the recording failed:\n{done.stderr[-6_000:]}")
    return recording.load(folder)


def _limit() -> None:
    """Let models be chosen and judged as when the recording was made; other checkouts do not have these modules."""
    for module, limits in LIMITS.items():
        vars(import_module(module)).update(limits)
    import_module("tests.comparison.recorded_gate").decide_as_recorded()


def collect(folder: Path, samples: Path | None) -> None:
    """Record in this process, which must be `run`'s."""
    with tempfile.TemporaryDirectory() as scratch:
        stand = Stand(Stillness(), Path(scratch))
        _limit()
        for story in (haze, uploads, penguins):
            story.tell(stand)
        seen = normalised(recording.collect(stand))
        recording.save({kind: recording.shortened(documents) for kind, documents in seen.items()}, folder)
        if samples is not None:
            golden.write(samples, golden.samples(stand, stand.stores.versions(ARTIFACTS)))


def record(commit: str) -> None:
    """Replace the recording and the golden samples that are kept; `adjusted` says what was changed in the commit."""
    run(recording.FOLDER, GOLDEN)
    adjusted = json.loads(ABOUT.read_text()).get("adjusted") if ABOUT.exists() else None
    ABOUT.write_text(json.dumps({"commit": commit, "adjusted": adjusted, **environment()}, indent=2) + "\n")
