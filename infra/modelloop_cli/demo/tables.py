"""Real tables that ship inside Python packages, and the fault that each one's traffic gets later."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from modelloop_client.failures import CommandError
from modelloop_stack.environment import EnvironmentMissingError, find_package

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, str | None]

_MISSING = {"", "NA"}
_DIABETES_COLUMNS = ("age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu", "progression")


@dataclass(frozen=True, slots=True)
class Example:
    """A table on disk, the column to predict, and the fault that a client has after a while: `shift` of one column."""

    model: str
    title: str
    file: Path
    target: str
    fault: str
    shifted_column: str
    shift: Callable[[float], float]

    def rows(self) -> list[Row]:
        """Return every row, missing cells as None."""
        with self.file.open(newline="") as opened:
            return [
                {name: None if value in _MISSING else value for name, value in row.items()}
                for row in csv.DictReader(opened)
            ]

    def shifted(self, row: Row) -> Row:
        """Return the row as the client sends it after the fault began."""
        value = row[self.shifted_column]
        return row if value is None else {**row, self.shifted_column: f"{self.shift(float(value)):.6g}"}


def penguins() -> Example:
    """Palmer penguins: three species; mixed types and missing values (Horst, Hill and Gorman, 2020, CC0)."""
    return Example(
        model="penguins",
        title="Palmer penguins: which species is this bird?",
        file=_inside("palmerpenguins", "data/penguins.csv"),
        target="species",
        fault="a field station starts to send the body mass in kilograms",
        shifted_column="body_mass_g",
        shift=lambda grams: grams / 1000,
    )


def diabetes(folder: Path) -> Example:
    """Diabetes progression after a year: regression (Efron, Hastie, Johnstone and Tibshirani, 2004).

    The table is written to `folder`, because it ships as two compressed files without a header.
    """
    return Example(
        model="diabetes",
        title="Diabetes: how far will the disease be in a year?",
        file=_diabetes_table(folder),
        target="progression",
        fault="a laboratory starts to report blood pressure in kilopascals",
        shifted_column="bp",
        shift=lambda millimetres: millimetres * 0.133322,
    )


def _diabetes_table(folder: Path) -> Path:
    measured = _lines(_inside("sklearn", "datasets/data/diabetes_data_raw.csv.gz"))
    outcomes = _lines(_inside("sklearn", "datasets/data/diabetes_target.csv.gz"))
    file = folder / "diabetes.csv"
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(_DIABETES_COLUMNS)
        for line, outcome in zip(measured, outcomes, strict=True):
            writer.writerow([*line.split(), f"{float(outcome):g}"])
    return file


def _lines(file: Path) -> list[str]:
    with gzip.open(file, "rt") as opened:
        return opened.read().split("\n")[:-1]


def _inside(package: str, path: str) -> Path:
    """Return a file of a package, here or in the stack's own environment, without importing it."""
    spec = find_spec(package)
    if spec and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / path
    try:
        folder = find_package(package)
    except EnvironmentMissingError as error:
        raise CommandError(f"the tables of the demo are missing: {error}") from error
    if folder is None:
        raise CommandError(f"the package {package} is not installed", "Run the demo by: make demo")
    return folder / path
