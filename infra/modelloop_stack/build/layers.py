"""One layer a role: locked packages, pruned, compiled."""

from __future__ import annotations

import subprocess
from pathlib import Path

from modelloop_stack.build.bytecode import compile_tree
from modelloop_stack.build.cache import cached
from modelloop_stack.build.digest import digest_of
from modelloop_stack.build.paths import PYTHON, ROOT, UV
from modelloop_stack.build.pruning import prune

ROLES = ("runtime", "serving", "data", "training")
PLATFORM = "x86_64-manylinux_2_34"  # Amazon Linux 2023, below the python3.13 runtime


def layer(role: str) -> Path:
    """Build a role's layer, or find it built; the folder holds `python/` as Lambda mounts it at /opt."""
    requirements = ROOT / "layers" / role / "requirements.txt"
    rules = sorted(Path(__file__).resolve().parent.glob("*.py"))
    inputs = [requirements, *(path for path in rules if path.stem in {"layers", "pruning", "bytecode"})]
    key = f"layer-{role}-{digest_of(inputs, ROOT, PLATFORM)}"
    return cached(key, lambda folder: _install(folder, requirements, role))


def _install(folder: Path, requirements: Path, role: str) -> None:
    site = folder / "python"
    command = [str(UV), "pip", "install", "--quiet", "--python", str(PYTHON), "--target", str(site)]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--python-version", "3.13", "--python-platform", PLATFORM, "--requirements", str(requirements)]
    subprocess.run(command, check=True)
    prune(site, role)
    (site / ".lock").unlink(missing_ok=True)
    compile_tree(site, "/opt/python")
