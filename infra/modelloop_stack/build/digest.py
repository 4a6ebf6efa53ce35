"""Digests of build inputs, so that unchanged inputs are never built twice."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

IGNORED = {"__pycache__", "Makefile"}


def files_under(folder: Path) -> list[Path]:
    """Every source file of a folder in a fixed order, without bytecode, build rules and hidden files."""
    found = (path for path in folder.rglob("*") if path.is_file())
    kept = (path for path in found if not _is_ignored(path.relative_to(folder)))
    return sorted(kept)


def digest_of(paths: Iterable[Path], root: Path, *extra: str) -> str:
    """SHA-256 over names and contents of the files, the interpreter and any extra words."""
    digest = hashlib.sha256(sys.version.encode())
    for word in extra:
        digest.update(f"\0{word}".encode())
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"\0{path.relative_to(root).as_posix()}\0{content}".encode())
    return digest.hexdigest()[:32]


def _is_ignored(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return hidden or path.suffix == ".pyc" or not IGNORED.isdisjoint(path.parts)
