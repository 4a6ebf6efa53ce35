"""One layer for each role: locked packages, without the files that no function opens, compiled."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from modelloop_stack.build.bytecode import compile_tree
from modelloop_stack.build.cache import build_once, digest_of
from modelloop_stack.build.paths import PYTHON, ROOT, UV

ROLES = ("runtime", "serving", "data", "training")
PLATFORM = "x86_64-manylinux_2_34"  # Amazon Linux 2023, below the python3.13 runtime

# What a layer leaves out, by measured size.
EVERYWHERE = (
    "bin",
    "**/__pycache__",
    "**/tests",
    "**/*.pyi",
    "**/*.pxd",
    "**/*.pyx",
    "**/*.h",
    "**/*.c",
    "**/*.cpp",
)
BY_ROLE: dict[str, tuple[str, ...]] = {
    "runtime": (
        # Answers come from plain functions: no router, no tracing, no validation, no data classes.
        "aws_lambda_powertools/event_handler/openapi/swagger_ui",
    ),
    "serving": (
        # The binding links the engine statically: the shared library is for other languages.
        "onnxruntime/capi/libonnxruntime.so.*",
        "onnxruntime/transformers",
        "onnxruntime/tools",
        "onnxruntime/quantization",
        "onnxruntime/datasets",
        "onnxruntime/backend",
        # Only the tools above read model files in Python.
        "google",
        "protobuf-*",
        "flatbuffers",
        "flatbuffers-*",
        "packaging",
        "packaging-*",
    ),
    "data": ("_duckdb-stubs", "adbc_driver_duckdb"),
    "training": (
        "onnx/backend/test",
        "onnx/test",
        "joblib/test",
        "sklearn/datasets/data",
        "sklearn/datasets/images",
        "narwhals/testing",
    ),
}


def build_layer(role: str) -> Path:
    """Build a role's layer, or find it built; the folder holds `python/` as Lambda mounts it at /opt."""
    requirements = ROOT / "layers" / role / "requirements.txt"
    rules = sorted(Path(__file__).resolve().parent.glob("*.py"))
    inputs = [requirements, *(path for path in rules if path.stem in {"layers", "bytecode"})]
    key = f"layer-{role}-{digest_of(inputs, ROOT, PLATFORM)}"
    return build_once(key, lambda folder: _install(folder, requirements, role))


def prune(site: Path, role: str) -> None:
    """Delete what the role does not need; `numpy/f2py` and all `*.libs` stay, because scipy links to them."""
    for pattern in (*EVERYWHERE, *BY_ROLE[role]):
        for path in list(site.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()


def _install(folder: Path, requirements: Path, role: str) -> None:
    site = folder / "python"
    command = [str(UV), "pip", "install", "--quiet", "--python", str(PYTHON), "--target", str(site)]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--python-version", "3.13", "--python-platform", PLATFORM, "--requirements", str(requirements)]
    subprocess.run(command, check=True)
    prune(site, role)
    (site / ".lock").unlink(missing_ok=True)
    compile_tree(site, "/opt/python")
