"""Bring the embedded stack up and down."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelloop_stack import deploy, emulator, processes
from modelloop_stack.build.application import build
from modelloop_stack.info import DEFAULT_STATE, StackInfo
from modelloop_stack.package import package


def up(state_dir: Path = DEFAULT_STATE) -> StackInfo:
    """Build what changed, start the emulator, deploy what changed; a second call changes nothing.

    Data from earlier runs in the same folder is found again. Every folder is a stack of its own, on its own port.

    Raises:
        BuildError: `sam build` failed.
        EmulatorError: the emulator does not answer.
        DeployError: CloudFormation refused the stack.

    """
    state = state_dir.resolve()
    with _alone(state):
        packed = package(build())
        endpoint = emulator.start(state)
        info = _deployed(state, endpoint, packed.digest)
        if info is None:
            outputs = deploy.deploy(endpoint, packed)
            deploy.mend(endpoint, outputs)
            info = deploy.describe(endpoint, outputs)
            (state / "deployed.json").write_text(json.dumps({"digest": packed.digest, "outputs": outputs}))
        info.save(state / "stack.json")
    return info


def down(state_dir: Path = DEFAULT_STATE) -> None:
    """End every process of the stack; its data stays for the next `up`."""
    state = state_dir.resolve()
    if not state.exists():
        return
    with _alone(state):
        processes.stop(state)
        (state / "stack.json").unlink(missing_ok=True)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Let one process at a time bring this folder's stack up or down."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "stack.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _deployed(state: Path, endpoint: str, digest: str) -> StackInfo | None:
    """Return the stack that stands already, when it is this very package and its state outlived the emulator."""
    memory = state / "deployed.json"
    if not memory.exists() or not (deploy.status(endpoint) or "").endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")):
        return None
    remembered = json.loads(memory.read_text())
    return deploy.describe(endpoint, remembered["outputs"]) if remembered["digest"] == digest else None
