"""Joint change on real tables: found where columns came apart, hardly ever where nothing changed; seeds fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.drift import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.drift.together import Task

PERMUTED: tuple[Callable[[], Task], ...] = (together.lateness, together.seats, together.weather)
QUIET: tuple[Callable[[], Task], ...] = (*PERMUTED, together.airtime, together.tumours)
SIZES = [(600, 500), (1_800, 1_000), (1_800, 5_000)]


def test_a_permuted_column_is_found_though_no_column_drifted() -> None:
    assert together.found_permuted(together.seats(), windows=3) == (3, 0)


def test_windows_in_which_nothing_changed_are_quiet() -> None:
    assert together.false_joint(together.seats(), (1_200, 500), windows=25) == 0


@pytest.mark.slow
def test_a_permuted_strongest_column_is_found_in_sixteen_of_eighteen_windows() -> None:
    found = [together.found_permuted(task(), windows=6) for task in PERMUTED]
    assert sum(joint for joint, _ in found) >= 16
    assert sum(by_column for _, by_column in found) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("sizes", SIZES)
def test_one_window_in_five_hundred_at_most_has_a_joint_finding_where_nothing_changed(sizes: tuple[int, int]) -> None:
    tasks = [task() for task in QUIET]
    tasks = [task for task in tasks if 3 * len(task.target) // 4 >= sum(sizes)]
    windows = 1_000 // len(tasks)
    assert sum(together.false_joint(task, sizes, windows, seed=3) for task in tasks) <= 2
