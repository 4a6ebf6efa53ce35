"""DuckDB for one table: bounded in memory, spilling to a scratch folder, without access to anything else.

A table that fits neither the memory nor the folder is refused, at whatever stage that shows.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = 2
MEMORY_SHARE = 0.45
DEFAULT_MEMORY_MB = 2048
PREFIX = "modelloop-intake-"
MAX_SECONDS = 1_000
TOO_LITTLE_MEMORY = "the table does not fit the memory of intake: upload fewer rows or columns, or shorter texts"
DISK_IS_FULL = (
    "the table does not fit the disk of intake: upload fewer rows or columns, or deploy with more TrainerStorage"
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder of this invocation; what killed invocations left behind is removed first."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):  # its own process may remove it at this moment
            if left.stat().st_mtime < time.time() - MAX_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        yield Path(folder)


@contextmanager
def within_limits() -> Iterator[None]:
    """Raise DatasetRejectedError when the code inside runs out of memory or disk."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        spilled = "max_temp_directory_size" in str(error)
        raise DatasetRejectedError(DISK_IS_FULL if spilled else TOO_LITTLE_MEMORY) from error
    except MemoryError as error:
        raise DatasetRejectedError(TOO_LITTLE_MEMORY) from error
    except (OSError, duckdb.IOException) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number not in _FULL and not any(os.strerror(full) in str(error) for full in _FULL):
            raise
        raise DatasetRejectedError(DISK_IS_FULL) from error


@contextmanager
def connect(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection that reads only files of `folder` and spills to it what does not fit its memory.

    Raises DatasetRejectedError when the folder is full too.
    """
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
        with within_limits():
            yield connection
    finally:
        connection.close()
