"""Regressions whose errors are not equally large everywhere: hourly rentals that are drawn, flights and weather."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.drift import real
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.rows import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from trainer.table import PreparedTable

ROWS = 8_600
SHARES = (0.64, 0.16, 0.2)
SPEC = Spec(estimators=("hist_gradient_boosting",))

type Drawn = tuple[Encoding, NDArray[np.float32], NDArray[np.float64]]


def rentals(seed: int) -> Drawn:
    """Return counts by hour, working day, temperature and weather, spread more than a Poisson count is."""
    generator = np.random.default_rng(seed)
    hour, working = generator.integers(0, 24, ROWS), generator.integers(0, 2, ROWS)
    warmth, rain = generator.beta(2.0, 2.0, ROWS), generator.choice(3, ROWS, p=[0.65, 0.25, 0.1])
    rush = np.exp(-((hour - 8) ** 2) / 6.0) + np.exp(-((hour - 17.5) ** 2) / 8.0)
    leisure = np.exp(-((hour - 14) ** 2) / 30.0)
    mean = 4.0 + 420.0 * np.where(working, rush, leisure) * (0.3 + warmth) * np.array([1.0, 0.8, 0.4])[rain]
    spread = 6.0
    counts = generator.negative_binomial(spread, spread / (spread + mean)).astype(np.float64)
    columns = [Column("hour", "number"), Column("working", "boolean"), Column("temp", "number")]
    encoding = Encoding([*columns, Column("weather", "text", ("clear", "cloudy", "rain"))])
    return encoding, np.column_stack([hour, working, warmth, rain]).astype(np.float32), counts


def air_times(seed: int) -> Drawn:
    """Return minutes in the air of flights, by distance, time, carrier and airports."""
    return _of(real.flights(), "air_time", ("sched_dep_time", "distance", "flight", "carrier", "origin", "dest"), seed)


def winds(seed: int) -> Drawn:
    """Return the speed of the wind by temperature, humidity, pressure, sight, direction and airport."""
    return _of(real.weather(), "wind_speed", ("temp", "dewp", "humid", "wind_dir", "pressure", "visib", "origin"), seed)


TABLES: dict[str, Callable[[int], Drawn]] = {"rentals": rentals, "air times": air_times, "winds": winds}


def _of(table: real.Real, target: str, features: tuple[str, ...], seed: int) -> Drawn:
    places = {column.name: place for place, column in enumerate(table.encoding.columns)}
    known = np.flatnonzero(~np.isnan(table.matrix[:, places[target]]))
    chosen = np.random.default_rng(seed).choice(known, ROWS, replace=False)
    columns = [table.encoding.columns[places[name]] for name in features]
    matrix = table.matrix[chosen][:, [places[name] for name in features]]
    return Encoding(columns), matrix, table.matrix[chosen, places[target]].astype(np.float64)


def divided(name: str, seed: int) -> PreparedTable:
    """Return a table of TABLES in the trainer's form; the seed draws its rows and their sides."""
    encoding, matrix, target = TABLES[name](seed)
    counts = [round(share * len(target)) for share in SHARES]
    sides = np.repeat(np.array([TRAIN, VALIDATION, HOLDOUT], np.uint8), counts)
    facts = table_facts(encoding, SPEC, task="regression", salt=f"{name} {seed}")
    return prepared_table(facts, Part(matrix, target), sides)
