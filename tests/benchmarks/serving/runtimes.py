"""Folders that stand for Lambda: what the managed runtime brings, the built layers, the usual handler's packages."""

from __future__ import annotations

import compileall
import os
import shutil
import site
import sys
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from modelloop_stack.build import application
from modelloop_stack.build.paths import ROOT

HOME = ROOT / ".local" / "bench"
HANDLERS = Path(__file__).parent / "handlers"
BUILD = ROOT / ".aws-sam" / "build"
RUNTIME = ("awslambdaric", "simplejson", "snapshot_restore_py")
SDK = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
SKLEARN = ("scikit-learn", "scipy", "numpy", "joblib", "cloudpickle", "threadpoolctl", "narwhals")


@dataclass(frozen=True, slots=True)
class Runtime:
    """How to start one kind of function."""

    name: str
    handler: str
    paths: tuple[Path, ...]
    bytecode: bool = True

    def command(self) -> list[str]:
        base: str = getattr(sys, "_base_executable", sys.executable)
        return [base, "-s", "-B", "-m", "awslambdaric", self.handler]

    def environment(self, address: str, variables: dict[str, str]) -> dict[str, str]:
        found = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, self.paths)),
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_LOG_GROUP_NAME": "group",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            "LAMBDA_TASK_ROOT": str(self.paths[0]),
            "_HANDLER": self.handler,
            "OMP_NUM_THREADS": "1",
        }
        return found | variables


def prepare() -> dict[str, Runtime]:
    """Build the application and lay out every runtime; what is there and unchanged is kept."""
    application.build()
    managed = _copy("managed", (*RUNTIME, *SDK), bytecode=True)
    packages = _copy("usual", SKLEARN, bytecode=True)
    bare = _copy("usual-bare", SKLEARN, bytecode=False)
    handlers = _handlers("handlers", bytecode=True)
    bare_handlers = _handlers("handlers-bare", bytecode=False)
    powertools, serving = _snapshot("RuntimeLayer") / "python", _snapshot("ServingLayer") / "python"
    ours = (_snapshot("InferenceFunction"), powertools, serving, managed)
    return {
        "constant": Runtime("constant", "constant_app.handler", (handlers, powertools, managed)),
        "ours": Runtime("ours", "inference.handler.handler", ours),
        "usual": Runtime("usual", "usual_app.handler", (handlers, packages, managed)),
        "usual-bare": Runtime("usual-bare", "usual_app.handler", (bare_handlers, bare, managed), bytecode=False),
    }


def _snapshot(part: str) -> Path:
    """Keep a built function or layer as it is now: another build may replace it while this one is measured."""
    folder = HOME / part
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(BUILD / part, folder, copy_function=os.link, symlinks=False)
    return folder


def _handlers(name: str, *, bytecode: bool) -> Path:
    folder = HOME / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HANDLERS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if bytecode:
        _compile(folder)
    return folder


def _copy(name: str, packages: tuple[str, ...], *, bytecode: bool) -> Path:
    """Lay out installed packages in a folder of their own, as `pip install --target` would."""
    versions = "-".join(distribution(package).version for package in packages)
    folder = HOME / name
    stamp = HOME / f"{name}.txt"
    if stamp.exists() and stamp.read_text() == versions:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    for package in packages:
        _copy_one(package, folder)
    if bytecode:
        _compile(folder)
    stamp.write_text(versions)
    return folder


def _copy_one(package: str, folder: Path) -> None:
    root = Path(site.getsitepackages()[0])
    for file in distribution(package).files or ():
        source = Path(str(file.locate()))
        inside = ".." not in file.parts and source.is_relative_to(root)
        if not inside or "__pycache__" in source.parts or not source.is_file():
            continue
        target = folder / source.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _compile(folder: Path) -> None:
    mode = compileall.py_compile.PycInvalidationMode.UNCHECKED_HASH  # type: ignore[attr-defined]
    compileall.compile_dir(folder, quiet=2, workers=1, invalidation_mode=mode)
