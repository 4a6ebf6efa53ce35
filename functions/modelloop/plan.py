"""What a run will need and where it can run: an estimate against the real limits, before anything is fitted.

The factors are this project's own measurements on 2 cores (20 columns: histogram gradient boosting on a million rows
takes 19 s and 1,125 MB, logistic regression 3.4 s and 1,106 MB), scaled by cells and by the work around each fit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from modelloop.errors import DatasetRejectedError

LAMBDA_MEMORY_MB = 10_240
LAMBDA_SECONDS = 900
DEFAULT_MEMORY_MB = 3_008
BASE_MEMORY_MB, BYTES_A_CELL = 330, 80
BASE_SECONDS, SECONDS_A_CELL = 6.0, 4e-6
MEMORY_HEADROOM, TIME_HEADROOM = 0.9, 0.8
WIDE_CLASSES = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """The estimate: rows, slots, bytes of the upload, peak memory in MB, seconds; and where the run goes."""

    rows: int
    columns: int
    slots: int
    bytes: int
    classes: int
    memory_mb: int
    seconds: int
    runs_on: str = "lambda"
    advice: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the document that a run carries, limits beside it."""
        limits = {"memory_mb": LAMBDA_MEMORY_MB, "seconds": LAMBDA_SECONDS, "default_memory_mb": DEFAULT_MEMORY_MB}
        return {**asdict(self), "limits": limits}


def check_rows(rows: int) -> None:
    """Raise DatasetRejectedError for more rows than the largest function could train on, had they one column."""
    most = int((LAMBDA_MEMORY_MB * MEMORY_HEADROOM - BASE_MEMORY_MB) * 1e6 / BYTES_A_CELL)
    if rows > most:
        raise DatasetRejectedError(
            f"the table has {rows:,} rows; with a single column {most // 1_000_000 * 1_000_000:,} could be trained on: "
            "upload a random sample"
        )


def make_plan(*, rows: int, columns: int, slots: int, size: int, classes: int) -> Plan:
    """Return the plan of a run; `size` is the upload's bytes, `classes` 0 for regression.

    Raises DatasetRejectedError, saying how far to cut, when the largest function could not train it.
    """
    cells = rows * max(1, slots)
    trees = max(1, classes if classes > WIDE_CLASSES else 1)
    memory = BASE_MEMORY_MB + cells * BYTES_A_CELL / 1e6 + rows * trees * 40 / 1e6
    seconds = BASE_SECONDS + cells * SECONDS_A_CELL * (1 + 0.5 * (trees - 1))
    share = min(
        (LAMBDA_MEMORY_MB * MEMORY_HEADROOM - BASE_MEMORY_MB) / (memory - BASE_MEMORY_MB or 1),
        (LAMBDA_SECONDS * TIME_HEADROOM - BASE_SECONDS) / (seconds - BASE_SECONDS or 1),
    )
    if share < 1:
        raise DatasetRejectedError(
            f"training on {rows:,} rows and {columns:,} columns would take {memory:,.0f} MB and {seconds:,.0f} s; "
            f"the limit is {LAMBDA_MEMORY_MB:,} MB and {LAMBDA_SECONDS} s: upload a random sample of at most "
            f"{int(rows * share) // 1000 * 1000:,} rows, or fewer columns"
        )
    advice = None
    if memory > DEFAULT_MEMORY_MB * MEMORY_HEADROOM:
        advice = f"deploy with TrainerMemory of at least {int(memory / MEMORY_HEADROOM)} MB"
    return Plan(rows, columns, slots, size, classes, round(memory), round(seconds), advice=advice)
