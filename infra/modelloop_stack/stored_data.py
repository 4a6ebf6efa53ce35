"""The data of an embedded stack, and the number of its format: data of another format is refused, never half read."""

from __future__ import annotations

import shlex
from pathlib import Path

from modelloop_stack import project
from modelloop_stack.info import DEFAULT_STATE

FORMAT = 1  # raised whenever the functions could no longer read all that an older stack has stored
MARKER = "data-format"
SERVICES, BUCKETS = "state", "s3"  # folders: what the emulator keeps of its services, and the objects of its buckets


class OtherFormatError(RuntimeError):
    """The folder holds data of another format; the message says which, and the command that starts afresh."""


def claim(state: Path) -> None:
    """Write the format's number beside the data that a stack is about to store; data that is there must have it.

    Raises:
        OtherFormatError: there is data with another number, or with none, as older releases left it.

    """
    marker = state / MARKER
    written = marker.read_text().strip() if marker.exists() else None
    if written == str(FORMAT):
        return
    if _has_data(state):
        found = "of an older format, without a number" if written is None else f"of format {written[:20]!r}"
        raise OtherFormatError(
            f"{state} holds the data of a stack {found}; this release reads format {FORMAT} alone. Start afresh, "
            f"which deletes the models, tables and predictions of that stack:\n  {fresh_start(state)}"
        )
    state.mkdir(parents=True, exist_ok=True)
    marker.write_text(f"{FORMAT}\n")


def fresh_start(state: Path) -> str:
    """Return the shell command that ends the stack of a folder, deletes its data and starts it again."""
    data = shlex.join(["rm", "-rf", *(str(state / name) for name in (SERVICES, BUCKETS, MARKER))])
    return f"{_command('down', state)} && {data} && {_command('up', state)}"


def _command(name: str, state: Path) -> str:
    """Return how a person starts or ends the stack: in a checkout by make, of a wheel by the command line."""
    if state == DEFAULT_STATE:
        return f"make {name}"
    if state.name == project.STATE:
        return f"modelloop {name}"
    return shlex.join(["python", "-m", "modelloop_stack", name, "--state", str(state)])


def _has_data(state: Path) -> bool:
    return any(any((state / name).glob("*")) for name in (SERVICES, BUCKETS))
