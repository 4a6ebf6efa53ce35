"""The wheel in an empty environment, apart from the checkout: two stacks at once, from up through the demo to down."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelloop import __version__
from modelloop_stack import processes
from modelloop_stack.build.paths import CACHE, PYTHON, ROOT, UV
from modelloop_stack.environment import FIND_PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(900)]

VERSIONS = ("3.11", "3.12", "3.13")  # the oldest that is here is the hardest
ASK = """
import modelloop
from modelloop_client.stacks import find_stack

with modelloop.Client(find_stack()) as client:
    print(*sorted(model["name"] for model in client.models()))
"""


class Installed:
    """An environment that holds the wheel and what it depends on; the checkout is nowhere on its path."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.variables = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "MODELLOOP_", "PYTHON", "SAM_"))
        } | {"MODELLOOP_CACHE": str(home / "cache")}

    def install(self, wheel: Path) -> None:
        python = str(self.home / "venv" / "bin" / "python")
        run(UV, "venv", "--quiet", "--python", oldest_python(), self.home / "venv")
        options = ("--quiet", "--compile-bytecode", "--python", python)
        run(UV, "pip", "sync", *options, "--require-hashes", ROOT / "infra" / "locks" / "wheel.txt")
        run(UV, "pip", "install", *options, "--no-deps", wheel)

    def call(self, folder: Path, program: str, *words: str) -> str:
        """Return what a program of the environment prints, run in a folder."""
        command = [str(self.home / "venv" / "bin" / program), *words]
        done = subprocess.run(command, cwd=folder, env=self.variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def packages(self) -> Path:
        return next((self.home / "venv" / "lib").glob("python3.*/site-packages"))

    def contents(self) -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in self.packages().rglob("*")}


def run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], cwd=ROOT, check=True)


def oldest_python() -> str:
    for version in VERSIONS:
        search = subprocess.run(["bash", str(FIND_PYTHON), version], capture_output=True, text=True, check=False)
        if search.returncode == 0:
            return search.stdout.strip()
    return sys.executable


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The wheel, built and installed in a place that cannot be written to; layers that were built before are shared."""
    home = tmp_path_factory.mktemp("wheel")
    run(PYTHON, "-m", "hatchling", "build", "--target", "wheel", "--directory", home / "dist")
    (home / "cache").mkdir()
    CACHE.mkdir(parents=True, exist_ok=True)
    (home / "cache" / "builds").symlink_to(CACHE)
    program = Installed(home)
    program.install(next((home / "dist").glob("*.whl")))
    for path in (program.packages(), *program.packages().rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    yield program
    shutil.rmtree(home / "cache")  # nearly a gigabyte


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Two folders far from any checkout; whatever runs there in the end is ended."""
    pair = (tmp_path / "first", tmp_path / "second")
    for folder in pair:
        folder.mkdir()
    yield pair
    for folder in pair:
        processes.down(folder / ".local")


def test_two_stacks_of_the_wheel_go_from_up_through_the_demo_to_down(
    installed: Installed, folders: tuple[Path, Path]
) -> None:
    before = installed.contents()

    def turn(folder: Path) -> str:
        installed.call(folder, "modelloop", "up")
        story = installed.call(folder, "modelloop", "demo")
        assert installed.call(folder, "python", "-c", ASK) == "diabetes penguins\n"
        (folder / "deep").mkdir()
        installed.call(folder / "deep", "modelloop", "down")
        return story

    assert installed.call(folders[0], "modelloop", "--version") == f"modelloop {__version__}\n"
    with ThreadPoolExecutor() as pool:
        stories = list(pool.map(turn, folders))

    assert all("The loop turns" in story for story in stories)
    assert [processes.find_processes(folder / ".local") for folder in folders] == [[], []]
    assert all((folder / ".local" / "state").is_dir() for folder in folders)
    assert installed.contents() == before
