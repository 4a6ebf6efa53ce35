"""Bring the stack up from any version of Python: in a process of the stack's own interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from modelloop_stack import project
from modelloop_stack.environment import interpreter

_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH")  # they speak of the caller's interpreter


class LaunchError(RuntimeError):
    """The stack did not come up; the message carries what its own process printed."""


def up(state: Path) -> None:
    """Build what changed, start the emulator and deploy; the stack's addresses go to `stack.json` in `state`.

    Raises:
        EnvironmentMissingError: there is no Python 3.13, or its packages cannot be installed.
        LaunchError: the build, the emulator or the deployment failed.

    """
    command = [str(interpreter()), "-m", "modelloop_stack", "up", "--quiet", "--state", str(state)]
    variables = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    done = subprocess.run(
        command, cwd=project.folder() / "infra", env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    if done.stderr.startswith("Traceback"):  # a bug: its story belongs to whoever reads the terminal
        print(done.stderr, file=sys.stderr)
        raise LaunchError(done.stderr.strip().splitlines()[-1])
    raise LaunchError(done.stderr.strip())
