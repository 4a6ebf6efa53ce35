"""Compiled bytecode that Lambda's read-only folders can use."""

from __future__ import annotations

import compileall
import importlib.util
import sys
from pathlib import Path
from py_compile import PycInvalidationMode


class MissingBytecodeError(RuntimeError):
    """A built folder holds a source file without its bytecode."""


def compile_tree(folder: Path, mounted_at: str) -> None:
    """Compile every module to bytecode that is never checked against its source again.

    `mounted_at` is the path that the folder has at run time, so that tracebacks name it.

    Raises:
        MissingBytecodeError: a module does not compile.

    """
    sources = list(folder.rglob("*.py"))
    compiled = compileall.compile_dir(
        folder,
        maxlevels=100,
        quiet=2,
        force=True,
        stripdir=str(folder),
        prependdir=mounted_at,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        failed = [str(path) for path in sources if not bytecode_of(path).exists()]
        raise MissingBytecodeError(f"these modules do not compile: {', '.join(failed)}")


def bytecode_of(source: Path) -> Path:
    """Return where the running interpreter looks for a module's bytecode."""
    return Path(importlib.util.cache_from_source(str(source)))


def missing_bytecode(folder: Path) -> list[Path]:
    """Return the source files without unchecked-hash bytecode beside them.

    A `.pyc` begins with a magic number and a little-endian flag word; flags 1 mean "hash, unchecked" (PEP 552).
    """
    return [path for path in folder.rglob("*.py") if not _is_unchecked(bytecode_of(path))]


def _is_unchecked(bytecode: Path) -> bool:
    if not bytecode.exists():
        return False
    with bytecode.open("rb") as file:
        head = file.read(8)
    return head[:4] == importlib.util.MAGIC_NUMBER and int.from_bytes(head[4:8], "little") == 1


if sys.version_info[:2] != (3, 13):  # bytecode of another version would be ignored by the runtime
    raise MissingBytecodeError("layers must be compiled by Python 3.13")
