"""A table that the memory or the disk does not hold is refused with advice, at whatever stage that shows."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import resource
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from modelloop import keys
from modelloop.errors import DatasetRejectedError
from modelloop.spec.model import Spec
from tests.support.intake_stage import DEPLOYED
from training_trigger import engine
from training_trigger.preparation import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.intake_stage import Stage

CHANCE = random.Random(1)
ROWS = [(CHANCE.random(), CHANCE.randbytes(12).hex(), CHANCE.choice(["yes", "no"])) for _ in range(60_000)]
CSV = ("x,note,y\n" + "".join(f"{x},{note} {note},{y}\n" for x, note, y in ROWS)).encode()
FORMS = {
    "t.csv": CSV,
    "t.csv.gz": gzip.compress(CSV, 1),
    "utf16.csv": CSV.decode().encode("utf-16"),
    "odd.csv": CSV.replace(b"\n", b"\r\n", 30_000),
    "t.jsonl": b"".join(json.dumps({"x": x, "note": note, "y": y}).encode() + b"\n" for x, note, y in ROWS),
}


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def refusal(folder: Path, file: str, size: int = resource.RLIM_INFINITY) -> tuple[str, str] | None:
    """Return the reason and the function of ours in which the limit was met, or None when there is no refusal."""
    folder.mkdir()
    path = folder / "upload"
    path.write_bytes(FORMS[file])
    try:
        with largest_file(size), engine.connect(folder) as connection:
            prepare(connection, path, file=file, model="m", spec=Spec(), trainer=DEPLOYED, progress=lambda _: None)
    except DatasetRejectedError as error:
        cause = error.__cause__ or error
        ours = [frame.name for frame in traceback.extract_tb(cause.__traceback__) if "/functions/" in frame.filename]
        return error.message, ours[-1]
    return None


@pytest.mark.parametrize(
    ("file", "size", "place"),
    [
        ("t.csv.gz", 1_000_000, "unpack"),
        ("utf16.csv", 1_000_000, "_transcode"),
        ("odd.csv", 1_000_000, "rewrite"),
        ("t.jsonl", 1_000_000, "flatten"),
        ("t.csv", 100_000, "write_matrix"),
    ],
)
def test_a_full_disk_is_a_refusal_that_says_so(tmp_path: Path, file: str, size: int, place: str) -> None:
    assert refusal(tmp_path / "full", file, size) == (engine.DISK_IS_FULL, place)
    assert refusal(tmp_path / "free", file) is None


def test_room_for_the_matrix_is_taken_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    assert refusal(tmp_path / "full", "t.csv") == (engine.DISK_IS_FULL, "write_matrix")


def test_too_little_memory_is_a_refusal_at_every_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, limit = duckdb.connect, "0KB"

    def limited(name: str, config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
        return connect(name, config={**config, "memory_limit": limit, "max_temp_directory_size": "1MB"})

    monkeypatch.setattr(duckdb, "connect", limited)
    found = []
    for size in range(4_000, 10_000, 500):
        limit = f"{size}KB"
        found.append(refusal(tmp_path / f"{size}", "t.csv"))
    assert {reason for reason, _ in filter(None, found)} == {engine.TOO_LITTLE_MEMORY}
    assert {"_clean"} < {place for _, place in filter(None, found)}


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError("Unable to allocate"), engine.TOO_LITTLE_MEMORY),
        (duckdb.IOException("Could not write file: No space left on device"), engine.DISK_IS_FULL),
    ],
)
def test_what_else_tells_of_a_limit(error: Exception, says: str) -> None:
    with pytest.raises(DatasetRejectedError, match=says), engine.within_limits():
        raise error


@pytest.mark.parametrize("key", [keys.dataset("m", "t.csv"), keys.brought("m", "m.onnx")])
def test_an_upload_larger_than_the_disk_is_one_rejected_run(stage: Stage, key: str) -> None:
    event = stage.event(key, CSV)
    with largest_file(1_000_000):
        first, second = (stage.deliver(event)[0] for _ in range(2))
    assert (first["outcome"], first["reason"]) == ("rejected", engine.DISK_IS_FULL)
    assert (second["outcome"], second["run_id"]) == ("repeated", first["run_id"])
    run = stage.registry.get_run("m", first["run_id"])
    assert (run.state, run.reason, run.dataset.bytes) == ("REJECTED", engine.DISK_IS_FULL, len(CSV))


def test_a_reference_table_larger_than_the_disk_rejects_its_model(stage: Stage) -> None:
    stage.event(keys.brought("m", keys.REFERENCE_NAME), CSV)
    event = stage.event(keys.brought("m", "m.onnx"), b"onnx")
    with largest_file(1_000_000):
        (outcome,) = stage.deliver(event)
    assert (outcome["outcome"], outcome["reason"]) == ("rejected", engine.DISK_IS_FULL)


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "Permission denied"), duckdb.IOException("no such file")])
def test_other_failures_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)), engine.within_limits():
        raise error
