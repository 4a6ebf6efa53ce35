"""A store of built folders, addressed by a digest of what they are built from, and shared by hard links.

Unchanged inputs are never built twice.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from modelloop_stack.build.paths import CACHE
from modelloop_stack.file_lock import exclusive

IGNORED = {"__pycache__", "Makefile"}


def files_under(folder: Path) -> list[Path]:
    """Return every source file of a folder in a fixed order, without bytecode, build rules and hidden files."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if not _is_ignored(path.relative_to(folder)))


def digest_of(paths: Iterable[Path], root: Path, *extra: str) -> str:
    """Return 32 hex digits of a SHA-256 over the files' names and contents, the interpreter and any extra words."""
    digest = hashlib.sha256(sys.version.encode())
    for word in extra:
        digest.update(f"\0{word}".encode())
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"\0{path.relative_to(root).as_posix()}\0{content}".encode())
    return digest.hexdigest()[:32]


@contextmanager
def hold_lock(name: str) -> Iterator[None]:
    """Hold a lock among the processes of this checkout; it ends with the process."""
    with exclusive(CACHE / f"{name}.lock"):
        yield


def build_once(key: str, build: Callable[[Path], None]) -> Path:
    """Return the folder built under this key, building it at most once."""
    folder = CACHE / key
    if not folder.exists():
        with hold_lock(key):
            if not folder.exists():
                _build_aside(folder, build)
    folder.touch()  # in use: not to be deleted as old
    return folder


def delete_old(prefix: str, keep: int) -> None:
    """Delete all but the `keep` newest folders of a kind; files that were linked from them stay."""
    folders = sorted(CACHE.glob(f"{prefix}*/"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[keep:]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(f"{folder.name}.lock").unlink(missing_ok=True)


def link_tree(source: Path, target: Path) -> None:
    """Make `target` the same tree as `source` without copying bytes, or copy where links are impossible."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, copy_function=_link, symlinks=True, dirs_exist_ok=True)


def _build_aside(folder: Path, build: Callable[[Path], None]) -> None:
    aside = Path(tempfile.mkdtemp(prefix="building-", dir=CACHE))
    try:
        build(aside)
        aside.chmod(0o755)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _is_ignored(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return hidden or path.suffix == ".pyc" or not IGNORED.isdisjoint(path.parts)
