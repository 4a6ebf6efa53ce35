"""A root file system like the managed Python 3.13 runtime, made of this machine's own files.

For machines with a container engine but no image registry in reach. It holds this interpreter, the runtime client
and SDK of the lock, the handful of tools that SAM's image build runs, and the shared libraries of all of these.
"""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

from modelloop_stack.build.paths import PYTHON, ROOT, UV

LOCK = ROOT / "infra" / "locks" / "runtime.txt"
TOOLS = ("mv", "chmod", "cp", "rm", "ls", "cat", "env", "sleep")
EMPTY_FOLDERS = ("etc", "proc", "sys", "dev", "root", "opt", "var/task", "var/rapid", "usr/bin")
LEFT_OUT = (
    "site-packages",
    "test",
    "idlelib",
    "ensurepip",
    "__pycache__",
    "config-3.13-*",
    "*.a",
    "turtledemo",
    "tkinter",
)
# What glibc opens by name, and what every wheel may take for granted (PEP 600): no program here lists them all.
BY_NAME = (
    *("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2", "libgcc_s.so.1", "libstdc++.so.6"),
    *("libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0", "libutil.so.1", "libz.so.1"),
)
LIBRARY_FOLDERS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64")
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
BOOTSTRAP = """#!/bin/sh
# Start the runtime client on the configured handler: function code first, then layers, then the runtime's own.
LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/opt/lib
PYTHONPATH=/var/task:/opt/python/lib/python3.13/site-packages:/opt/python:/var/runtime
AWS_EXECUTION_ENV=AWS_Lambda_python3.13
export LD_LIBRARY_PATH PYTHONPATH AWS_EXECUTION_ENV
exec /var/lang/bin/python3.13 -m awslambdaric "$_HANDLER"
"""
# The runtime emulator drops to the sandbox's user by this name.
USERS = "root:x:0:0::/root:/bin/sh\nsbx_user1051:x:993:990::/home/sbx_user1051:/bin/sh\n"


def make(root: Path) -> None:
    """Fill an empty folder with the root file system."""
    for folder in EMPTY_FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    _place_interpreter(root / "var" / "lang")
    _place_runtime(root / "var" / "runtime")
    _place_tools(root / "bin")
    _place_configuration(root)
    _place_libraries(root)


def _place_interpreter(lang: Path) -> None:
    home = Path(sys.base_prefix)
    (lang / "bin").mkdir(parents=True)
    shutil.copy2(home / "bin" / "python3.13", lang / "bin")
    (lang / "lib").mkdir()
    for library in (home / "lib").glob("libpython3*.so*"):
        shutil.copy2(library, lang / "lib")
    shutil.copytree(home / "lib" / "python3.13", lang / "lib" / "python3.13", ignore=shutil.ignore_patterns(*LEFT_OUT))


def _place_runtime(runtime: Path) -> None:
    command = [str(UV), "pip", "install", "--quiet", "--python", str(PYTHON), "--target", str(runtime)]
    subprocess.run([*command, "--require-hashes", "--no-deps", "--requirements", str(LOCK)], check=True)
    bootstrap = runtime / "bootstrap"
    bootstrap.write_text(BOOTSTRAP)
    bootstrap.chmod(0o755)


def _place_tools(folder: Path) -> None:
    folder.mkdir()
    shutil.copy2("/bin/sh", folder / "sh")
    for tool in TOOLS:
        shutil.copy2(str(shutil.which(tool)), folder / tool)


def _place_configuration(root: Path) -> None:
    (root / "etc" / "passwd").write_text(USERS)
    (root / "etc" / "group").write_text("root:x:0:\n")
    (root / "etc" / "nsswitch.conf").write_text("hosts: files dns\n")
    certificates = root / CERTIFICATES
    certificates.parent.mkdir(parents=True)
    shutil.copyfile(f"/{CERTIFICATES}", certificates)


def _place_libraries(root: Path) -> None:
    needed = _needed_libraries(root)
    needed |= {path for name in BY_NAME for path in _find_library(name)}
    for library in sorted(needed):
        target = root / library.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, target)


def _needed_libraries(root: Path) -> set[Path]:
    """Return the libraries of this machine that the programs and extension modules of the tree link to."""
    binaries = [path for path in root.rglob("*") if _is_binary(path)]
    listing = subprocess.run(
        ["ldd", *map(str, binaries)],
        env={"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib"},
        capture_output=True,
        text=True,
        check=False,  # it skips files that are not dynamic executables
    ).stdout
    paths = {Path(path) for path in re.findall(r"(/\S+\.so\S*) \(0x", listing)}
    inside = (root, Path(sys.base_prefix))
    return {path for path in paths if not any(path.is_relative_to(folder) for folder in inside)}


def _is_binary(path: Path) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    executable = bool(path.stat().st_mode & stat.S_IXUSR)
    if not executable and ".so" not in path.name:
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _find_library(name: str) -> list[Path]:
    return [Path(folder) / name for folder in LIBRARY_FOLDERS if (Path(folder) / name).exists()][:1]
