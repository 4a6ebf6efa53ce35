"""The processes that a program starts and ends: none of those that ended is taken for one that runs."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from modelloop_stack import emulator, processes

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_was_stopped_is_known_to_have_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 60\n")
    python.chmod(0o755)

    emulator._launch(python, tmp_path, 0)
    assert len(processes.find_processes(tmp_path)) == 1
    processes.stop(tmp_path)

    assert processes.find_processes(tmp_path) == []
    (process,) = started
    assert process.returncode is not None, "Python would warn at the end of a process that still runs"
    assert process not in processes.launched
