"""What a layer leaves out: files that no function opens, by measured size."""

from __future__ import annotations

import shutil
from pathlib import Path

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


def prune(site: Path, role: str) -> None:
    """Delete what the role does not need; `numpy/f2py` and whole `*.libs` stay, since scipy links to them."""
    for pattern in (*EVERYWHERE, *BY_ROLE[role]):
        for path in list(site.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
