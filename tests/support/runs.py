"""Runs without uploads, for tests of what is done with runs."""

from __future__ import annotations

from modelloop.versions.run import Dataset


def dataset(digest: str = "d", rows: int | None = None) -> Dataset:
    """Return an uploaded table that nobody reads."""
    return Dataset("s3://data/datasets/m/t.csv", "v", digest, "t.csv", 100, rows)
