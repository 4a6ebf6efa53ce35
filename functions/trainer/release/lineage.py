"""What code, in which environment, made a version."""

from __future__ import annotations

import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SHOWN = ("scikit-learn", "numpy", "scipy", "joblib", "skl2onnx", "onnx")


@cache
def environment() -> dict[str, Any]:
    """Return Python, machine, the packages that fits depend on, and digests of all packages and of our own code."""
    installed = {found.metadata["Name"].lower(): found.version for found in distributions()}
    listed = "\n".join(f"{name}=={version}" for name, version in sorted(installed.items()))
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {name: installed[name] for name in SHOWN if name in installed},
        "lock": sha256(listed.encode()).hexdigest(),
        "code": code_digest(ROOT),
    }


def code_digest(root: Path) -> str:
    """Return the SHA-256 over path and content of every Python source under a folder, in order."""
    digest = sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\n{sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
