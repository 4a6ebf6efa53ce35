"""The emulator of AWS: its environment, its process, its stored state."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx

from modelloop_stack.build.cache import digest_of, hold_lock
from modelloop_stack.build.paths import CACHE, PYTHON, ROOT, UV
from modelloop_stack.info import REGION
from modelloop_stack.processes import MARK, SERVER, find_server, launched, stop
from modelloop_stack.stored_data import BUCKETS, SERVICES

LOCK = ROOT / "infra" / "locks" / "ministack.txt"
START_SECONDS = 60


class EmulatorError(RuntimeError):
    """The emulator did not start; the message carries the end of its log."""


def start(state: Path) -> str:
    """Start the emulator of this state folder, or find it running, and return its address.

    Raises:
        EmulatorError: it does not answer.

    """
    python = _environment()
    port_file = state / "port"
    if find_server(state) is not None:
        address = f"http://127.0.0.1:{port_file.read_text()}"
        if _is_ready(address):
            return address
    stop(state)
    port = _free_port(port_file)
    port_file.write_text(str(port))
    _launch(python, state, port)
    return _await_ready(state, f"http://127.0.0.1:{port}")


def _environment() -> Path:
    """Install the locked emulator in an environment of its own, once for each lock, and return its interpreter.

    It cannot share the project's environment, because it pins another version of the SDK.
    """
    home = CACHE / f"emulator-{digest_of([LOCK], ROOT)}"
    stamp, python = home / "installed", home / "bin" / "python"
    with hold_lock(home.name):
        if not python.exists() or not stamp.exists():
            subprocess.run([str(UV), "venv", "--quiet", "--clear", "--python", str(PYTHON), str(home)], check=True)
            sync = [str(UV), "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode"]
            subprocess.run([*sync, "--python", str(python), str(LOCK)], check=True)
            stamp.touch()
    return python


def _launch(python: Path, state: Path, port: int) -> None:
    shutil.rmtree(state / "tmp", ignore_errors=True)
    for folder in ("tmp", "home", SERVICES, BUCKETS):
        (state / folder).mkdir(parents=True, exist_ok=True)
    command = [str(python), "-m", "hypercorn", SERVER, "--bind", f"127.0.0.1:{port}"]
    command += ["--keep-alive", "75", "--graceful-timeout", "2"]
    with (state / "emulator.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=state,
            env=_variables(state, port),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    launched.append(process)


def _variables(state: Path, port: int) -> dict[str, str]:
    """Return its environment; it inherits nothing of the caller's: no credentials, no profile, no proxy."""
    return {
        MARK: str(state),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(state / "home"),
        "TMPDIR": str(state / "tmp"),
        "LANG": "C.UTF-8",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state / SERVICES),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / BUCKETS),
        # Listeners of services that this application does not use; the first binds every interface.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # Functions run as processes; a container engine that happens to be here is left alone.
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": "unix:///nonexistent",
        "LOG_LEVEL": "INFO",
    }


def _free_port(port_file: Path) -> int:
    """Return a free port, the last one if possible, because queue addresses that were given out contain it."""
    last = int(port_file.read_text()) if port_file.exists() else 0
    for port in (last, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmulatorError("no free port on 127.0.0.1")


def _await_ready(state: Path, address: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if _is_ready(address):
            return address
        if find_server(state) is None:
            break
        time.sleep(0.1)
    log = (state / "emulator.log").read_text(errors="replace")
    raise EmulatorError(f"the emulator does not answer at {address}; its log ends with:\n{log[-3000:]}")


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/_ministack/ready", timeout=2).is_success
    except httpx.HTTPError:
        return False
