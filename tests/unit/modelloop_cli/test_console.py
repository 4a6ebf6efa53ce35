"""What somebody else wrote cannot command the terminal of whoever reads it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from rich.text import Text

from modelloop_cli.console import Console, make_table
from modelloop_client.failures import CommandError

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b2J\u202eabc\u2066\rseen é"
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
STYLES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("render", [str, Text, lambda text: make_table(text, [text], [[text], [Text(text)]])])
def test_answers_hold_no_commands(render: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    Console(as_json=False).show({}, lambda: render(HOSTILE))
    shown = capsys.readouterr().out
    assert not COMMANDS.search(STYLES.sub("", shown)), repr(shown)
    assert "seen é" in shown
    assert "�" in shown


def test_notes_and_failures_hold_no_commands(capsys: Any) -> None:
    console = Console(as_json=False)
    console.note(HOSTILE)
    console.fail(CommandError(HOSTILE, HOSTILE))
    shown = capsys.readouterr().err
    assert not COMMANDS.search(shown), repr(shown)
    assert shown.count("seen é") == 3


def test_json_holds_the_same_text_and_no_commands(capsys: Any) -> None:
    Console(as_json=True).show({"reason": HOSTILE}, str)
    Console(as_json=True).fail(CommandError(HOSTILE))
    printed = capsys.readouterr()
    assert not COMMANDS.search(printed.out + printed.err)
    assert json.loads(printed.out) == {"reason": HOSTILE}
    assert json.loads(printed.err)["error"] == HOSTILE


def test_lines_and_tabs_stay(capsys: Any) -> None:
    Console(as_json=False).show({}, lambda: "one\n\ttwo")
    assert "one\n" in capsys.readouterr().out
