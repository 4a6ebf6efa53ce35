"""The processes of one stack, told apart by a mark in their environment.

Children inherit the mark, so it finds the emulator and its workers after any crash, and no number that the
system may have handed to somebody else's process is ever trusted.
"""

from __future__ import annotations

from pathlib import Path

import psutil

MARK = "EMBEDDED_STACK"
SERVER = f"{Path(__file__).parent / 'server' / 'embedded_aws.py'}:app"


def marked(state: Path) -> list[psutil.Process]:
    """Every process that belongs to the stack of this state folder."""
    return [process for process in psutil.process_iter() if _mark_of(process) == str(state)]


def server(state: Path) -> psutil.Process | None:
    """Return the emulator's own process."""
    return next((process for process in marked(state) if SERVER in _command_of(process)), None)


def stop(state: Path, patience: float = 20.0) -> None:
    """End the stack: first the emulator politely, so that it saves its state, then whatever is left."""
    leader = server(state)
    if leader is not None:
        leader.terminate()
        psutil.wait_procs([leader], timeout=patience)
    for _ in range(3):  # a dying process may have started one more
        rest = marked(state)
        for process in rest:
            _kill(process)
        psutil.wait_procs(rest, timeout=5)


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _mark_of(process: psutil.Process) -> str | None:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.environ().get(MARK)
    except (psutil.Error, OSError):  # gone, or another user's
        return None


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
