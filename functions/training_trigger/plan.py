"""What a run will need: an estimate, checked against the deployed functions before anything is fitted.

The factors are fitted to what `make bench` measures (tests/benchmarks/RESULTS.md, Training) and lie above it: memory
and processor seconds of the trainer on generated tables of mixed columns, by cells and, for classes, by answers.
Intake's memory was measured up to 8,000,000 rows of 20 columns, where its 3,008 MB were nearly all resident.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError
from modelloop.spec.fields import DEFAULT_FAMILIES
from modelloop.versions.run import Plan, PlanLimits

if TYPE_CHECKING:
    from collections.abc import Sequence

LAMBDA_MEMORY_MB = 10_240
LAMBDA_SECONDS = 900
MEMORY_HEADROOM, TIME_HEADROOM = 0.9, 0.8
BASE_MEMORY_MB, MB_A_SLOT, BYTES_A_CELL, BYTES_AN_ANSWER = 330, 2, 20, 60
INTAKE_MEMORY_MB, INTAKE_BASE_MB, INTAKE_BYTES_A_CELL, INTAKE_BYTES_A_ROW = 3_008, 1_500, 4, 72
BASE_SECONDS, SECONDS_A_CELL = 4.0, 0.3e-6  # reading, examining, proving
FIT_SECONDS_A_CELL = {
    "linear": 0.5e-6, "hist_gradient_boosting": 1.3e-6, "decision_tree": 0.3e-6, "random_forest": 5e-6,
    "extra_trees": 3.5e-6, "gradient_boosting": 14e-6,
}  # fmt: skip
UNMEASURED = max(FIT_SECONDS_A_CELL.values())  # of families that were not measured: the slowest that was
BY_CLASS = frozenset({"hist_gradient_boosting", "gradient_boosting"})  # they fit trees for every class
WIDE_CLASSES = 2
MAX_CHOOSING_SECONDS = 30.0  # 15 s on two processors: what the trainer spends on folds and a refit unless it is asked
FOLDED_ROWS, FOLDED_FITS = 25_000, 10.25  # whole fits that five folds, the refit's folds and the refit are worth
REFIT_ROWS, REFIT_FITS = 250_000, 2.05  # those of four fifths of the training part and the refit; beyond, there is none
DISK_TIMES = 2.5  # of a table's bytes: the file, its text as UTF-8, what the engine spills, the matrix


@dataclass(frozen=True, slots=True)
class Need:
    """What is to be fitted: rows, feature columns, slots of the encoding, classes (0 for regression), families."""

    rows: int
    columns: int
    slots: int
    classes: int
    families: Sequence[str] = DEFAULT_FAMILIES

    @property
    def answers(self) -> int:
        """Return how many numbers answer one row."""
        return self.classes if self.classes > WIDE_CLASSES else 1

    @property
    def memory_mb(self) -> float:
        """Return the trainer's peak memory."""
        return self._fixed_mb + self.rows * self._mb_a_row

    @property
    def seconds(self) -> float:
        """Return the trainer's time, each family fitted and one chosen; a search goes on from there until its own end.

        Choosing and refitting are left out where there is no time for them, so they bound no table.
        """
        return BASE_SECONDS + self.rows * self._seconds_a_row + self._choosing_seconds

    @property
    def intake_mb(self) -> float:
        """Return intake's peak memory: that of its engine, and what is held of all rows."""
        return INTAKE_BASE_MB + self.rows * self._intake_bytes_a_row / 1e6

    def max_rows(self, memory_mb: float) -> int:
        """Return how many such rows fit into intake's memory, and into a trainer's of `memory_mb` and its time."""
        by_memory = (memory_mb * MEMORY_HEADROOM - self._fixed_mb) / self._mb_a_row
        by_time = (LAMBDA_SECONDS * TIME_HEADROOM - BASE_SECONDS) / self._seconds_a_row
        by_intake = (INTAKE_MEMORY_MB - INTAKE_BASE_MB) * 1e6 / self._intake_bytes_a_row
        return max(int(min(by_memory, by_time, by_intake)), 0)

    @property
    def _fixed_mb(self) -> float:
        return BASE_MEMORY_MB + self.slots * MB_A_SLOT

    @property
    def _intake_bytes_a_row(self) -> int:
        return self.slots * INTAKE_BYTES_A_CELL + INTAKE_BYTES_A_ROW

    @property
    def _mb_a_row(self) -> float:
        return (self.slots * BYTES_A_CELL + self.answers * BYTES_AN_ANSWER) / 1e6

    @property
    def _seconds_a_row(self) -> float:
        return self.slots * (SECONDS_A_CELL + self._fit_seconds_a_cell)

    @property
    def _fit_seconds_a_cell(self) -> float:
        return sum(
            FIT_SECONDS_A_CELL.get(name, UNMEASURED) * (self.answers if name in BY_CLASS else 1)
            for name in self.families
        )

    @property
    def _choosing_seconds(self) -> float:
        fits = FOLDED_FITS if self.rows <= FOLDED_ROWS else REFIT_FITS if self.rows <= REFIT_ROWS else 0.0
        return min(MAX_CHOOSING_SECONDS, fits * self.rows * self.slots * self._fit_seconds_a_cell)


def make_plan(need: Need, *, size: int, memory_mb: int) -> Plan:
    """Return the plan of a run; `size` is the upload's bytes, `memory_mb` the deployed trainer's memory.

    Raises DatasetRejectedError when that function could not train it, with what to deploy or how many rows to keep.
    """
    maximum = need.max_rows(memory_mb)
    if maximum < need.rows:
        raise DatasetRejectedError(
            f"training on {need.rows:,} rows and {need.columns:,} columns would take {need.memory_mb:,.0f} MB and "
            f"{need.seconds:,.0f} s, and the trainer has {memory_mb:,} MB and {LAMBDA_SECONDS} s; preparing them would "
            f"take {need.intake_mb:,.0f} MB, and intake has {INTAKE_MEMORY_MB:,} MB: {_advice(need, maximum)}"
        )
    limits = PlanLimits(memory_mb, LAMBDA_MEMORY_MB, LAMBDA_SECONDS)
    return Plan(
        need.rows, need.columns, need.slots, size, need.classes, round(need.memory_mb), round(need.seconds), limits
    )


def check_rows(rows: int) -> None:
    """Raise DatasetRejectedError for more rows than the largest function could train on, had they one column."""
    maximum = Need(rows, 1, 1, 0).max_rows(LAMBDA_MEMORY_MB)
    if rows > maximum:
        raise DatasetRejectedError(
            f"the table has {rows:,} rows; with a single column {_rounded(maximum)} could be trained on: "
            "upload a random sample"
        )


def check_size(size: int, storage_mb: int) -> None:
    """Raise DatasetRejectedError for a file that intake has no scratch space for."""
    needed = size * DISK_TIMES / 1e6
    if needed > storage_mb:
        raise DatasetRejectedError(
            f"the file has {size / 1e6:,.0f} MB, reading it takes about {needed:,.0f} MB of scratch space, and there "
            f"are {storage_mb:,} MB: deploy with a larger TrainerStorage (at most 10,240), or upload a random sample"
        )


def _advice(need: Need, maximum: int) -> str:
    sample = f"upload a random sample of at most {_rounded(maximum)} rows, or fewer columns"
    if need.rows > need.max_rows(LAMBDA_MEMORY_MB):
        return sample
    needed = int(need.memory_mb / MEMORY_HEADROOM) + 1
    return f"deploy with TrainerMemory of at least {needed:,} MB, or {sample}"


def _rounded(rows: int) -> str:
    return f"{rows // 1000 * 1000:,}"
