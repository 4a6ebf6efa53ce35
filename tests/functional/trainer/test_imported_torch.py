from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.trainer_lab import Data, regression_sample, sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.trainer_lab import Lab

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".local" / "torch" / "bin" / "python"
EXPORT = ROOT / "tests" / "support" / "torch" / "export.py"

pytestmark = pytest.mark.skipif(
    not (PYTHON.parents[1] / "installed").exists(),
    reason="skipped: no CPU build of PyTorch (`make torch` looks for one)",
)


def exported(data: Data, folder: Path) -> bytes:
    """Return a network as PyTorch itself fits and exports it."""
    table, model = folder / "table.npz", folder / "model.onnx"
    np.savez(table, matrix=data.matrix, target=data.target)
    subprocess.run([PYTHON, EXPORT, table, model], check=True, capture_output=True, timeout=120)
    return model.read_bytes()


@pytest.mark.parametrize("make", [sample, regression_sample])
def test_a_network_of_pytorch_serves(lab: Lab, tmp_path: Path, make: Callable[[int, int], Data]) -> None:
    data = make(1400, 1)
    fitted, reference = (
        replace(data, matrix=data.matrix[rows], target=data.target[rows]) for rows in (slice(900), slice(900, None))
    )
    run = lab.import_model(exported(fitted, tmp_path), reference)
    assert (run.state, run.reason) == ("SUCCEEDED", "version 1 serves")
    manifest = lab.manifest(run)
    assert "pytorch" in str(manifest["estimator"]).lower()
    assert (manifest["replay"]["engine"], manifest["replay"]["mismatches"]) == ("onnx", 0)
    metric = "log_loss" if data.classes else "rmse"
    assert manifest["metrics"]["holdout"][metric]["high"] < manifest["metrics"]["trivial"][metric]["value"]


def test_an_untrustworthy_network_is_refused(lab: Lab, tmp_path: Path) -> None:
    data = sample(1400, 1)
    run = lab.import_model(exported(replace(data, target=1 - data.target), tmp_path), data)
    assert run.state == "REJECTED", run.reason
