"""Data of a stack of another format is refused with the command that starts afresh, and is left as it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelloop_stack import stack
from modelloop_stack.__main__ import app
from modelloop_stack.info import DEFAULT_STATE
from modelloop_stack.stored_data import BUCKETS, FORMAT, MARKER, SERVICES, OtherFormatError, claim, fresh_start


def store(state: Path, marker: str | None) -> Path:
    """Make a folder that looks like a stack's, with data in it."""
    (state / BUCKETS / "data").mkdir(parents=True)
    (state / SERVICES).mkdir()
    (state / SERVICES / "dynamodb.json").write_text("{}")
    if marker is not None:
        (state / MARKER).write_text(marker)
    return state


def content(state: Path) -> set[tuple[str, bytes]]:
    return {(str(file.relative_to(state)), file.read_bytes()) for file in state.rglob("*") if file.is_file()}


def test_a_new_stack_is_marked_and_found_again(tmp_path: Path) -> None:
    claim(tmp_path / "new")
    assert content(tmp_path / "new") == {(MARKER, f"{FORMAT}\n".encode())}
    store(tmp_path / "new", None)
    claim(tmp_path / "new")


@pytest.mark.parametrize("marker", [None, f"{FORMAT + 1}\n", f"{FORMAT - 1}\n", "", "no number"])
def test_data_of_another_format_is_refused_and_left_alone(tmp_path: Path, marker: str | None) -> None:
    state = store(tmp_path / "old", marker)
    before = content(state)
    with pytest.raises(OtherFormatError, match="Start afresh") as refused:
        claim(state)
    assert content(state) == before
    assert fresh_start(state) in str(refused.value)


def test_a_folder_without_data_is_taken_whatever_its_marker_says(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text(f"{FORMAT + 1}\n")
    (tmp_path / SERVICES).mkdir()
    claim(tmp_path)
    assert (tmp_path / MARKER).read_text() == f"{FORMAT}\n"


def test_the_command_of_the_refusal_deletes_the_data_and_nothing_else(tmp_path: Path) -> None:
    state = store(tmp_path / "an old stack", None)
    (state / "cache").mkdir()
    _, delete, _ = fresh_start(state).split(" && ")
    subprocess.run(["sh", "-c", delete], check=True)
    assert [path.name for path in state.iterdir()] == ["cache"]
    claim(state)


def test_the_command_is_the_one_that_its_reader_has(tmp_path: Path) -> None:
    assert fresh_start(DEFAULT_STATE).startswith("make down && rm -rf ")
    assert fresh_start(tmp_path / ".local").endswith(" && modelloop up")
    assert fresh_start(tmp_path / "own").startswith(f"python -m modelloop_stack down --state {tmp_path / 'own'} && ")


def test_up_says_so_before_it_builds_or_starts_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build() -> Path:
        raise AssertionError("nothing may be built")

    monkeypatch.setattr(stack, "build", build)
    ended = CliRunner().invoke(app, ["up", "--state", str(store(tmp_path / "old", None))])
    assert ended.exit_code == 1
    assert "Start afresh" in ended.stderr
    assert f"rm -rf {tmp_path / 'old' / SERVICES} " in ended.stderr
    assert "Traceback" not in ended.stderr
