"""The processes of one stack, identified by a mark in their environment.

Children inherit the mark, so the emulator and its workers are found after any crash. Process ids are not stored: the
system may have given them to another process meanwhile.
"""

from __future__ import annotations

import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

import psutil

from modelloop_stack.file_lock import exclusive

MARK = "EMBEDDED_STACK"
_FILE = "embedded_aws.py:app"
# What this program started and may outlive it: without a reference, Python would warn of a process that still runs.
launched: list[subprocess.Popen[bytes]] = []
SERVER = str(Path(__file__).parent / "server" / _FILE)


def find_processes(state: Path) -> list[psutil.Process]:
    """Return every process that belongs to the stack of this state folder."""
    return [process for process in psutil.process_iter() if _mark_of(process) == str(state)]


def find_server(state: Path) -> psutil.Process | None:
    """Return the emulator's own process, or None when it does not run."""
    return next((process for process in find_processes(state) if _is_server(process)), None)


def stop(state: Path, patience: float = 20.0) -> None:
    """End the stack: first the emulator by a signal that lets it save its state, then whatever is left."""
    leader = find_server(state)
    if leader is not None:
        leader.terminate()
        psutil.wait_procs([leader], timeout=patience)
    for _ in range(3):  # a dying process may have started one more
        rest = find_processes(state)
        for process in rest:
            _kill(process)
        psutil.wait_procs(rest, timeout=5)
    launched[:] = [process for process in launched if process.poll() is None]  # else those that ended seem to run


def down(state_dir: Path) -> None:
    """End every process of the stack of a state folder; its data stays for the next `up`."""
    state = state_dir.resolve()
    if not state.exists():
        return
    with lock_state(state):
        stop(state)
        (state / "stack.json").unlink(missing_ok=True)


def lock_state(state: Path) -> AbstractContextManager[None]:
    """Return a lock, so that one process at a time starts or stops this folder's stack."""
    return exclusive(state / "stack.lock")


def _is_server(process: psutil.Process) -> bool:
    """Return whether a process is the emulator: by its file's name, since another copy of it may have started it."""
    return any(word.endswith(_FILE) for word in _command_of(process))


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
