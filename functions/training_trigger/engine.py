"""DuckDB for one table: bounded in memory, spilling to a scratch folder, closed to everything else."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = 2
MEMORY_SHARE = 0.45
DEFAULT_MEMORY_MB = 2048
PREFIX = "modelloop-intake-"
LONGEST_SECONDS = 1_000


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder of this invocation; what an invocation that died left behind is removed first."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):  # its own process may remove it at this moment
            if left.stat().st_mtime < time.time() - LONGEST_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        yield Path(folder)


@contextmanager
def connect(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection that reads files of `folder` alone and spills there what its memory does not hold."""
    memory = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", DEFAULT_MEMORY_MB)) * MEMORY_SHARE
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": THREADS,
            "memory_limit": f"{int(memory)}MB",
            "temp_directory": str(folder / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    try:
        connection.execute("SET allowed_directories = [$folder]", {"folder": str(folder)})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()
