from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelloop_stack import environment
from modelloop_stack.environment import LaunchError

STATE = Path("/nowhere/.local")


@pytest.fixture
def interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the stack's interpreter: a script that the test writes."""
    script = tmp_path / "python"
    script.touch(0o755)
    monkeypatch.setattr(environment, "find_interpreter", lambda: script)
    return script


def test_the_stack_is_started_by_its_own_interpreter_without_the_callers_paths(
    interpreter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/callers/own")
    interpreter.write_text(f'#!/bin/sh\necho "$@ ${{PYTHONPATH:-none}}" > {tmp_path}/told\n')

    environment.start_stack(STATE)

    assert (tmp_path / "told").read_text() == f"-m modelloop_stack up --quiet --state {STATE} none\n"


def test_why_the_stack_did_not_start_is_passed_on(interpreter: Path) -> None:
    interpreter.write_text("#!/bin/sh\necho 'sam build failed:' >&2\necho 'no space' >&2\nexit 1\n")

    with pytest.raises(LaunchError, match=r"^sam build failed:\nno space$"):
        environment.start_stack(STATE)


def test_a_bug_keeps_its_traceback(interpreter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    interpreter.write_text(f"#!{sys.executable}\nraise KeyError('digest')\n")

    with pytest.raises(LaunchError, match=r"^KeyError: 'digest'$"):
        environment.start_stack(STATE)
    assert "Traceback" in capsys.readouterr().err
