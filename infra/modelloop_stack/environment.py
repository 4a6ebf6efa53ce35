"""The Python 3.13 that builds and runs the stack, with what that needs, installed by hash.

The command line runs on older versions of Python too, but bytecode for Lambda is compiled by Lambda's own version. So
the stack has an environment of its own: the one of `make setup` in a checkout, one beside the wheel's copy otherwise.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from modelloop_stack import project
from modelloop_stack.file_lock import exclusive

ENVIRONMENT = ".venv"
PYTHON = Path(ENVIRONMENT, "bin", "python")
FIND_PYTHON = Path(__file__).parent / "build" / "find-python.sh"
LOCKS = Path("infra", "locks")
INSTALLER, INSTALLED = "uv.txt", ("stack.txt", "demo.txt")


class EnvironmentMissingError(RuntimeError):
    """There is no environment for the stack, and none can be made here; the message says what is missing."""


def interpreter() -> Path:
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


def package_folder(name: str) -> Path | None:
    """Return the folder of a package in the stack's environment, or None where it has no such package."""
    return next(interpreter().parents[1].glob(f"lib/python3.13/site-packages/{name}"), None)


def _install(folder: Path) -> None:
    if shutil.which("make") is None:
        raise EnvironmentMissingError("make is needed to build the functions: install it and try again")
    found = _run("bash", str(FIND_PYTHON)).strip()
    _run(found, "-m", "venv", "--clear", str(folder / ENVIRONMENT))
    python, locks = str(folder / PYTHON), folder / LOCKS
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "--require-hashes", "-r", str(locks / INSTALLER))
    sync = (str(folder / ENVIRONMENT / "bin" / "uv"), "pip", "sync", "--quiet", "--require-hashes")
    _run(*sync, "--python", python, *(str(locks / lock) for lock in INSTALLED))
    (folder / ENVIRONMENT / "installed").touch()


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise EnvironmentMissingError(f"{command[0]} is needed: install it and try again") from error
    except subprocess.CalledProcessError as error:
        raise EnvironmentMissingError(error.stderr.strip() or f"{command[0]} ended with {error.returncode}") from error
    return done.stdout
