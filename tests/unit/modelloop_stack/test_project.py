from __future__ import annotations

from pathlib import Path

import pytest

from modelloop import __version__
from modelloop_stack import environment, project
from modelloop_stack.environment import EnvironmentMissingError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a wheel carries, in a place that cannot be written to, and a cache of its own."""
    data = tmp_path / "site-packages" / "data"
    (data / "functions" / "__pycache__").mkdir(parents=True)
    (data / "template.yaml").write_text("Resources: {}\n")
    (data / "functions" / "handler.py").write_text("VALUE = 1\n")
    (data / "functions" / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"")
    for path in (data, *data.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    monkeypatch.setattr(project, "_CARRIED", data)
    monkeypatch.setenv("MODELLOOP_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return data


def test_a_checkout_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert project.is_checkout()
    assert project.files() == project.folder() == ROOT
    assert project.state() == ROOT / ".local"


@pytest.mark.usefixtures("carried")
def test_a_wheel_is_unpacked_once_for_each_version_into_a_folder_that_can_be_written_to(tmp_path: Path) -> None:
    copy = project.folder()

    assert copy.parent == tmp_path / "cache"
    assert copy.name.startswith(f"{__version__}-")
    files = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert files == {"template.yaml", "functions/handler.py"}
    assert all(path.stat().st_mode & 0o200 for path in (copy, *copy.rglob("*")))
    (copy / "functions" / "handler.py").write_text("changed")
    assert project.folder() == copy
    assert (copy / "functions" / "handler.py").read_text() == "changed"
    assert project.state() == tmp_path / ".local"


def test_a_rebuilt_wheel_of_the_same_version_is_unpacked_beside_and_shares_built_layers(carried: Path) -> None:
    first = project.folder()
    (first / ".local" / "cache" / "layer").mkdir()
    (carried / "template.yaml").chmod(0o600)
    (carried / "template.yaml").write_text("Resources: {More: {}}\n")

    second = project.folder()

    assert second != first
    assert (second / "template.yaml").read_text() == "Resources: {More: {}}\n"
    assert (second / ".local" / "cache" / "layer").is_dir()


def test_the_cache_is_where_the_desktop_keeps_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MODELLOOP_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert project.cache() == tmp_path / "modelloop"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert project.cache() == tmp_path / ".cache" / "modelloop"


@pytest.mark.usefixtures("carried")
@pytest.mark.parametrize(
    ("tools", "missing"),
    [
        (("bash", "ls", "sort"), "make is needed"),
        (("make", "ls", "sort"), "bash is needed"),
        (("bash", "ls", "make", "sort"), r"Python 3\.13 is needed: install it"),
    ],
)
def test_what_the_stack_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tools: tuple[str, ...], missing: str
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in tools:
        (folder / tool).symlink_to(next(path for path in (Path("/bin", tool), Path("/usr/bin", tool)) if path.exists()))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    with pytest.raises(EnvironmentMissingError, match=missing):
        environment.find_interpreter()
