"""A content-addressed store of built folders, shared by hard links."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from modelloop_stack.build.paths import CACHE
from modelloop_stack.file_lock import exclusive


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock that other processes of this checkout respect; it goes with the process."""
    with exclusive(CACHE / f"{name}.lock"):
        yield


def cached(key: str, build: Callable[[Path], None]) -> Path:
    """Return the folder built under this key, building it at most once."""
    folder = CACHE / key
    if not folder.exists():
        with locked(key):
            if not folder.exists():
                _build_aside(folder, build)
    folder.touch()  # in use: not to be forgotten
    return folder


def forget_but_newest(prefix: str, kept: int) -> None:
    """Delete all but the newest folders of a kind; what was linked from them stays where it is."""
    found = sorted(CACHE.glob(f"{prefix}*/"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in found[kept:]:
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
