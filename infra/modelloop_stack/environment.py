"""The Python 3.13 that builds and runs the stack, with the packages that it needs, and the stack's start in it.

The command line runs on older versions of Python too, but bytecode for Lambda is compiled by Lambda's own version. So
the stack has an environment of its own, installed by hash: the one of `make setup` in a checkout, one beside the
wheel's copy otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from modelloop_stack import project
from modelloop_stack.file_lock import exclusive

ENVIRONMENT = ".venv"
PYTHON = Path(ENVIRONMENT, "bin", "python")
FIND_PYTHON = Path(__file__).parent / "build" / "find-python.sh"
LOCKS = Path("infra", "locks")
INSTALLER, INSTALLED = "uv.txt", ("stack.txt", "demo.txt")
_CALLERS_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH")  # they are about the caller's interpreter


class EnvironmentMissingError(RuntimeError):
    """There is no environment for the stack, and none can be made here; the message says what is missing."""


class LaunchError(RuntimeError):
    """The stack did not start; the message carries what its own process printed."""


def start_stack(state: Path) -> None:
    """Build what changed, start the emulator and deploy; the stack's addresses go to `stack.json` in `state`.

    Raises:
        EnvironmentMissingError: there is no Python 3.13, or its packages cannot be installed.
        LaunchError: the build, the emulator or the deployment failed.

    """
    command = [str(find_interpreter()), "-m", "modelloop_stack", "up", "--quiet", "--state", str(state)]
    variables = {name: value for name, value in os.environ.items() if name not in _CALLERS_VARIABLES}
    ended = subprocess.run(
        command, cwd=project.folder() / "infra", env=variables, capture_output=True, text=True, check=False
    )
    if ended.returncode == 0:
        return
    if ended.stderr.startswith("Traceback"):  # a bug: the traceback is shown to whoever can report it
        print(ended.stderr, file=sys.stderr)
        raise LaunchError(ended.stderr.strip().splitlines()[-1])
    raise LaunchError(ended.stderr.strip())


def find_interpreter() -> Path:
    """Return the stack's own interpreter; an installed wheel makes its environment first, once.

    Raises:
        EnvironmentMissingError: there is no Python 3.13, no `make`, or a package cannot be installed.

    """
    folder = project.folder()
    if project.is_checkout():
        if not (folder / PYTHON).exists():
            raise EnvironmentMissingError(f"{folder} has no {ENVIRONMENT}: run make setup there")
        return folder / PYTHON
    with exclusive(folder / f"{ENVIRONMENT}.lock"):
        if not (folder / ENVIRONMENT / "installed").exists() or not (folder / PYTHON).exists():
            _install(folder)
    return folder / PYTHON


def find_package(name: str) -> Path | None:
    """Return the folder of a package in the stack's environment, or None where it has no such package."""
    return next(find_interpreter().parents[1].glob(f"lib/python3.13/site-packages/{name}"), None)


def _install(folder: Path) -> None:
    if shutil.which("make") is None:
        raise EnvironmentMissingError("make is needed to build the functions: install it and try again")
    base = _run("bash", str(FIND_PYTHON)).strip()
    _run(base, "-m", "venv", "--clear", str(folder / ENVIRONMENT))
    python, locks = str(folder / PYTHON), folder / LOCKS
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "--require-hashes", "-r", str(locks / INSTALLER))
    sync = (str(folder / ENVIRONMENT / "bin" / "uv"), "pip", "sync", "--quiet", "--require-hashes")
    _run(*sync, "--python", python, *(str(locks / lock) for lock in INSTALLED))
    (folder / ENVIRONMENT / "installed").touch()


def _run(*command: str) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise EnvironmentMissingError(f"{command[0]} is needed: install it and try again") from error
    except subprocess.CalledProcessError as error:
        raise EnvironmentMissingError(error.stderr.strip() or f"{command[0]} ended with {error.returncode}") from error
    return ended.stdout
