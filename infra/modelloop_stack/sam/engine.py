"""The container engine that `sam local` talks to: Docker where it answers, else Podman behind Docker's protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelloop_stack.build.cache import build_once, digest_of
from modelloop_stack.build.paths import CACHE, ROOT
from modelloop_stack.sam import rootfs

IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
START_SECONDS = 20
# No systemd and no user session are needed this way, and the limits stay below what a sandbox may raise.
PODMAN_CONFIGURATION = """[containers]
default_ulimits = ["nofile=1000:1000", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """How to reach the engine, the address of this machine for containers, and whether images can be pulled."""

    name: str
    variables: dict[str, str]
    gateway: str
    pulls: bool


@contextmanager
def running() -> Iterator[Engine | None]:
    """Yield an engine that answers, or None where there is none; what was started here is ended."""
    if _docker_answers():
        yield Engine(name="docker", variables={}, gateway=_docker_gateway(), pulls=True)
    elif shutil.which("podman"):
        with _podman() as engine:
            yield engine
    else:
        yield None


def _docker_answers() -> bool:
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def _docker_gateway() -> str:
    command = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def _podman() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="modelloop-podman-") as scratch:
        configuration = Path(scratch) / "containers.conf"
        configuration.write_text(PODMAN_CONFIGURATION)
        variables = {"CONTAINERS_CONF": str(configuration)}
        _import_image(variables)
        socket = Path(scratch) / "podman.sock"
        service = subprocess.Popen(
            ["podman", "system", "service", "--time", "0", f"unix://{socket}"],
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _await_socket(socket)
            host = {"DOCKER_HOST": f"unix://{socket}"}
            yield Engine(name="podman", variables=host, gateway=_podman_gateway(variables), pulls=False)
        finally:
            service.terminate()
            service.wait(timeout=START_SECONDS)


def _await_socket(socket: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not socket.exists():
        if time.monotonic() > deadline:
            raise TimeoutError("podman's service did not open its socket")
        time.sleep(0.05)


def _podman_gateway(variables: dict[str, str]) -> str:
    listing = _ask_podman(["network", "inspect", "podman"], variables)
    return str(json.loads(listing)[0]["subnets"][0]["gateway"])


def _import_image(variables: dict[str, str]) -> None:
    """Build and import the runtime image, once for each version of its code and lock."""
    inputs = [rootfs.LOCK, Path(rootfs.__file__)]
    digest = digest_of(inputs, ROOT)
    tag = f"modelloop/runtime:{digest}"
    if _ask_podman(["images", "--quiet", tag], variables).strip():
        _ask_podman(["tag", tag, IMAGE], variables)
        return
    tree = build_once(f"rootfs-{digest}", rootfs.make)
    archive = CACHE / f"rootfs-{digest}.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(tree, arcname=".")
    _ask_podman(["import", "--change", 'ENTRYPOINT ["/var/runtime/bootstrap"]', str(archive), tag], variables)
    _ask_podman(["tag", tag, IMAGE], variables)
    archive.unlink()


def _ask_podman(arguments: list[str], variables: dict[str, str]) -> str:
    environment = {**os.environ, **variables}
    ended = subprocess.run(["podman", *arguments], env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"podman {arguments[0]} failed: {ended.stderr.strip()}")
    return ended.stdout
