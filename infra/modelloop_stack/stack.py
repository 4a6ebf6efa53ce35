"""Start the embedded stack."""

from __future__ import annotations

import json
from pathlib import Path

from modelloop_stack import deploy, emulator, processes, stored_data
from modelloop_stack.build.application import build
from modelloop_stack.info import DEFAULT_STATE, StackInfo
from modelloop_stack.package import package


def up(state_dir: Path = DEFAULT_STATE) -> StackInfo:
    """Build what changed, start the emulator, deploy what changed; a second call changes nothing.

    Data from earlier runs in the same folder is found again. Every folder is a stack of its own, on its own port. No
    other user of this machine can read the folder, because it holds uploads, captures and the stack's key.

    Raises:
        OtherFormatError: the folder holds data of another format; nothing is touched.
        BuildError: `sam build` failed.
        EmulatorError: the emulator does not answer.
        DeployError: CloudFormation refused the stack.

    """
    state = state_dir.resolve()
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    with processes.lock_state(state):
        stored_data.claim(state)
        packed = package(build())
        endpoint = emulator.start(state)
        info = _deployed(state, endpoint, packed.digest)
        if info is None:
            outputs = deploy.deploy(endpoint, packed)
            deploy.correct_emulator(endpoint, outputs)
            info = deploy.describe(endpoint, outputs)
            (state / "deployed.json").write_text(json.dumps({"digest": packed.digest, "outputs": outputs}))
        info.save(state / "stack.json")
    return info


def _deployed(state: Path, endpoint: str, digest: str) -> StackInfo | None:
    """Return the deployed stack when it is of this package and the emulator still has its state, else None."""
    record = state / "deployed.json"
    if not record.exists() or not (deploy.read_status(endpoint) or "").endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")):
        return None
    deployed = json.loads(record.read_text())
    return deploy.describe(endpoint, deployed["outputs"]) if deployed["digest"] == digest else None
