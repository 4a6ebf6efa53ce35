from __future__ import annotations

import os
import tempfile
from pathlib import Path

import duckdb
import pytest

from training_trigger import engine


def test_what_a_dead_invocation_left_is_removed_and_a_live_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, live = tmp_path / f"{engine.PREFIX}dead", tmp_path / f"{engine.PREFIX}live"
    dead.mkdir()
    live.mkdir()
    os.utime(dead, (1, 1))
    with engine.scratch() as folder:
        assert sorted(tmp_path.iterdir()) == sorted([folder, live])
    assert list(tmp_path.iterdir()) == [live]


def test_what_memory_does_not_hold_spills_into_the_scratch_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
    with engine.connect(tmp_path) as connection:
        connection.execute("CREATE TABLE cells AS SELECT sha256(range::VARCHAR) AS c0 FROM range(2_000_000)")
        spilled = sum(file.stat().st_size for file in (tmp_path / "spill").iterdir())
        assert spilled > 20_000_000
        assert connection.execute("SELECT count(DISTINCT left(c0, 8)) > 1_900_000 FROM cells").fetchall() == [(True,)]


def test_sql_reads_no_file_outside_the_scratch_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    for folder in (inside, outside):
        (folder / "t.csv").write_text("a,b\n1,2\n")
    with engine.connect(inside) as connection:
        assert connection.execute(f"SELECT * FROM read_csv('{inside}/t.csv')").fetchall() == [(1, 2)]
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"SELECT * FROM read_csv('{outside}/t.csv')")
        with pytest.raises(duckdb.InvalidInputException):
            connection.execute("SET enable_external_access = true")


def test_a_folder_that_its_own_process_removes_meanwhile_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone, dead = tmp_path / f"{engine.PREFIX}gone", tmp_path / f"{engine.PREFIX}dead"
    dead.mkdir()
    os.utime(dead, (1, 1))
    monkeypatch.setattr(Path, "glob", lambda *_: iter([gone, dead]))
    with engine.scratch() as folder:
        assert list(tmp_path.iterdir()) == [folder]
