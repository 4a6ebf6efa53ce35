"""The protocols as real clients understand them, against the embedded stack."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from modelloop import keys
from modelloop_stack.build.paths import ROOT
from tests.support.data_plane import RUN, make_bundle

if TYPE_CHECKING:
    from modelloop_stack.info import StackInfo

HERE = Path(__file__).parent / "clients"
HOME = ROOT / ".local" / "clients"
MODEL = "conformance"
LABELS = ["Gentoo", "Adelie"]


def sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-score))


@pytest.fixture(scope="session")
def clients() -> Path:
    """The clients' own environment, made from its lock and kept."""
    python = HOME / "venv" / "bin" / "python"
    lock = HERE / "requirements.txt"
    stamp = HOME / f"installed-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not stamp.exists():
        uv = Path(sys.executable).with_name("uv")
        base = getattr(sys, "_base_executable", sys.executable)
        make = [str(uv), "venv", "--quiet", "--clear", "--python", base, str(HOME / "venv")]
        subprocess.run(make, check=True)
        sync = [str(uv), "pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(lock)]
        subprocess.run(sync, check=True)
        stamp.touch()
    return python


@pytest.fixture(scope="module")
def understood(stack: StackInfo, clients: Path) -> dict[str, Any]:
    """What the clients made of a small model that is put straight where the data plane reads."""
    body = json.dumps(make_bundle(model=MODEL)).encode()
    file = keys.version(MODEL, RUN.format(1), keys.BUNDLE)
    digest = hashlib.sha256(body).hexdigest()
    ref = {"version": 1, "run_id": RUN.format(1), "file": file, "sha256": digest, "bytes": len(body)}
    pointer = {"format_version": 1, "model": MODEL, "revision": 1, "champion": ref}
    s3 = stack.client("s3")
    s3.put_object(Bucket=stack.artifacts_bucket, Key=file, Body=body)
    s3.put_object(Bucket=stack.artifacts_bucket, Key=keys.pointer(MODEL), Body=json.dumps(pointer).encode())
    variables = {"PATH": os.environ["PATH"], "API_URL": stack.api_url, "API_KEY": stack.api_key, "MODEL": MODEL}
    told = subprocess.run(
        [str(clients), str(HERE / "conformance.py")], env=variables, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr[-3000:]
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def test_triton_finds_the_server_and_the_model(understood: dict[str, Any]) -> None:
    found = understood["triton"]
    assert (found["live"], found["ready"], found["model_ready"], found["version_ready"]) == (True, True, True, True)
    assert found["absent_ready"] is False
    assert found["server"]["extensions"][0] == "binary_tensor_data"
    assert [tensor["name"] for tensor in found["model"]["inputs"]] == ["mass", "island"]
    assert {"name": MODEL, "version": "1", "state": "READY", "reason": ""} in found["index"]


def test_triton_predicts_in_json(understood: dict[str, Any]) -> None:
    found = understood["triton"]["json"]
    assert found["response"] == {"model_name": MODEL, "model_version": "1", "id": "mine"}
    assert found["proba"][0][1] == pytest.approx(sigmoid(3.0))
    assert found["proba"][1][1] == pytest.approx(sigmoid(0.0))


@pytest.mark.parametrize("form", ["binary", "untyped", "accepted", "gzip"])
def test_triton_predicts_in_binary(understood: dict[str, Any], form: str) -> None:
    found = understood["triton"][form]
    assert found["labels"] == LABELS
    assert [row[1] for row in found["proba"]] == pytest.approx([sigmoid(3.0), sigmoid(-1.5)])


def test_triton_shows_what_was_wrong(understood: dict[str, Any]) -> None:
    assert "no model 'absent'" in understood["triton"]["absent"]
    assert "column 'island' is missing" in understood["triton"]["missing"]


def test_kserve_predicts(understood: dict[str, Any]) -> None:
    found = understood["kserve"]
    assert (found["live"], found["ready"], found["model_ready"], found["id"]) == (True, True, True, "mine")
    assert [row[1] for row in found["outputs"]["predict_proba"]] == pytest.approx([sigmoid(3.0), 0.5])
    assert "column 'island' is missing" in found["error"]


def test_plain_requests_predict(understood: dict[str, Any]) -> None:
    assert understood["requests"] == {"json": LABELS, "csv": LABELS, "no_key": 403, "other_type": 415}
