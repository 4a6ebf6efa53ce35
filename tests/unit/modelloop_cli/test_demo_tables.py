from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console as RichConsole

from modelloop_cli.console import Console
from modelloop_cli.demo import tables, traffic
from modelloop_cli.demo.steps import Steps
from modelloop_client.failures import CommandError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_penguins_are_real_with_mixed_types_and_missing_values() -> None:
    rows = tables.penguins().rows()

    assert len(rows) == 344
    assert {row["species"] for row in rows} == {"Adelie", "Chinstrap", "Gentoo"}
    assert sum(row["body_mass_g"] is None for row in rows) == 2
    assert sum(row["sex"] is None for row in rows) == 11


def test_the_diabetes_table_joins_measurements_and_outcomes(tmp_path: Path) -> None:
    rows = tables.diabetes(tmp_path).rows()

    assert len(rows) == 442
    assert (rows[0]["bp"], rows[0]["progression"]) == ("101.0", "151")
    assert (rows[-1]["age"], rows[-1]["progression"]) == ("36", "57")


def test_tables_are_found_without_importing_their_packages() -> None:
    code = "import sys; from modelloop_cli.demo import tables; tables.penguins().rows(); print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {"pandas", "numpy", "sklearn", "palmerpenguins"} & set(loaded) == set()


def test_the_fault_changes_one_column_and_leaves_missing_cells() -> None:
    example = tables.penguins()
    row, gap = example.rows()[0], next(row for row in example.rows() if row["body_mass_g"] is None)

    assert example.shifted(row) == row | {"body_mass_g": "3.75"}
    assert example.shifted(gap) == gap


def test_clients_send_numbers_as_numbers_and_never_the_target() -> None:
    example = tables.penguins()

    sent = traffic.features(example, example.rows()[3])

    assert sent == {
        "island": "Torgersen", "bill_length_mm": None, "bill_depth_mm": None, "flipper_length_mm": None,
        "body_mass_g": None, "sex": None, "year": 2007.0,
    }  # fmt: skip


def test_traffic_is_the_same_for_the_same_seed() -> None:
    example = tables.penguins()

    assert traffic.draw(example, 50, seed=1) == traffic.draw(example, 50, seed=1)
    assert traffic.draw(example, 50, seed=1) != traffic.draw(example, 50, seed=2)


def test_a_failed_step_is_kept_and_ends_the_example() -> None:
    console = Console(notes_to_stdout=True)
    console.notes = console.out = RichConsole(record=True, width=120)
    steps = Steps(console)
    with steps.step("Train"):
        pass
    with pytest.raises(CommandError), steps.step("Predict"):
        raise CommandError("nothing answers", "modelloop up")

    assert [step.failed for step in steps.steps] == [False, True]
    assert steps.failed
    console.out.print(steps.summary())
    text = console.out.export_text()
    assert "A step of the demo failed" in text
    assert "✓  Train" in text
    assert "✗  Predict" in text
