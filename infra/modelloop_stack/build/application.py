"""The whole application, by the same `sam build` that a deployment uses."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from modelloop_stack.build.cache import digest_of, files_under, hold_lock
from modelloop_stack.build.paths import BUILT, ENVIRONMENT, ROOT


class BuildError(RuntimeError):
    """`sam build` failed; the message carries what it printed."""


def build(*, force: bool = False) -> Path:
    """Bring `.aws-sam/build` up to date and return it; nothing runs when its inputs are unchanged.

    Raises:
        BuildError: the build failed.

    """
    with hold_lock("application"):
        digest = input_digest()
        stamp = BUILT / ".inputs"
        if force or not stamp.exists() or stamp.read_text() != digest:
            _sam_build()
            stamp.write_text(digest)
    return BUILT


def input_digest() -> str:
    """Return a digest of everything that `sam build` reads."""
    folders = ("functions", "layers", "infra/modelloop_stack/build", "infra/observability")
    inputs = [path for folder in folders for path in files_under(ROOT / folder)]
    makefiles = [ROOT / "functions" / "Makefile", *(ROOT / "layers").glob("*/Makefile")]
    return digest_of([ROOT / "template.yaml", *inputs, *makefiles], ROOT)


def build_environment() -> dict[str, str]:
    """Return the environment of the build tools: the project's Python 3.13 first, before version managers."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PATH"] = f"{ENVIRONMENT / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    environment["SAM_CLI_TELEMETRY"] = "0"
    environment.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    return environment


def _sam_build() -> None:
    command = [str(ENVIRONMENT / "bin" / "sam"), "build", "--config-env", "local"]
    ended = subprocess.run(command, cwd=ROOT, env=build_environment(), capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BuildError(f"sam build failed:\n{ended.stdout}{ended.stderr}")
