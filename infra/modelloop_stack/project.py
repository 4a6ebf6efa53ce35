"""Where the project is: the checkout, or what the wheel carries, unpacked into a cache.

The stack is built from the template, the functions, the layers and the locks. A checkout has them beside this package.
A wheel carries the same files as data; building needs a folder that can be written to, so they are copied once for each
version, and the copy has the shape of a checkout.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from modelloop_stack.file_lock import exclusive

CACHE_VARIABLE = "MODELLOOP_CACHE"
STATE = ".local"
_CARRIED = Path(__file__).parent / "data"
_CHECKOUT = Path(__file__).resolve().parents[2]


def is_checkout() -> bool:
    """Return whether this package lies in a checkout of the project, not in an installed wheel."""
    return not _CARRIED.is_dir()


def files() -> Path:
    """Return the folder of the project's files, to be read only: the checkout, or the data of the wheel."""
    return _CHECKOUT if is_checkout() else _CARRIED


def folder() -> Path:
    """Return a folder of the project's files that can be built in: the checkout, or the wheel's copy in the cache.

    The copy is named after the version and the content, so a rebuilt wheel of the same version gets one of its own.
    """
    if is_checkout():
        return _CHECKOUT
    from modelloop import __version__  # noqa: PLC0415  the emulator's own environment, which needs paths alone, has none

    copy = cache() / f"{__version__}-{_digest()}"
    if not copy.is_dir():
        with exclusive(copy.with_name(f"{copy.name}.lock")):
            if not copy.is_dir():
                _unpack(copy)
    return copy


def cache() -> Path:
    """Return the folder for files that can be rebuilt: MODELLOOP_CACHE, or `modelloop` in the user's cache folder."""
    if folder_name := os.environ.get(CACHE_VARIABLE):
        return Path(folder_name).resolve()
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home).resolve() / "modelloop"


def state() -> Path:
    """Return the folder of the embedded stack's data: in the checkout, or else in the current directory."""
    return (_CHECKOUT if is_checkout() else Path.cwd()) / STATE


def _unpack(copy: Path) -> None:
    """Copy the carried files aside and rename them, so that an incomplete copy is never used.

    Built layers are stored by content, so that the copies of all versions share them: they are most of the bytes.
    """
    builds = copy.with_name("builds")
    builds.mkdir(exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix="unpacking-", dir=copy.parent))
    try:
        for file in _carried_files():
            target = aside / file.relative_to(_CARRIED)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)  # the contents alone: what was installed may be read-only
        (aside / STATE).mkdir()
        (aside / STATE / "cache").symlink_to(builds)
        aside.chmod(0o755)
        aside.rename(copy)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _digest() -> str:
    digest = hashlib.sha256()
    for file in _carried_files():
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(_CARRIED).as_posix()}\0{content}\0".encode())
    return digest.hexdigest()[:12]


def _carried_files() -> list[Path]:
    return sorted(file for file in _CARRIED.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
