"""A blend beside its members: one row and many rows, through the engine alone, in turn on the same machine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import orjson

from modelloop.flat import FlatModel, load
from tests.benchmarks.serving import models
from tests.benchmarks.serving.warm import Timing, alternate
from trainer.export.serving import flatten
from trainer.families.blend import Blend
from trainer.families.catalogue import build

MEMBERS = ("linear", "hist_gradient_boosting")
WEIGHTS = [0.4, 0.6]
ROWS_MANY = 1_000


@dataclass(frozen=True, slots=True)
class BlendTimings:
    """Microseconds of one row and of many rows by name: each member's, and the blend's."""

    one: dict[str, Timing]
    many: dict[str, Timing]

    @property
    def against_members(self) -> float:
        """Return one row of the blend as a share of the sum of its members' rows."""
        return self.one["blend"].typical / sum(self.one[name].typical for name in MEMBERS)


def measure() -> BlendTimings:
    """Fit the members as the other contenders are fitted, and time them and their blend."""
    matrix, target = models.rows()
    fitted = [
        build(name, "classification", models.ENCODING, models.PARAMS[name], 0).fit(matrix, target) for name in MEMBERS
    ]
    engines = dict(zip(MEMBERS, map(_served, fitted), strict=True)) | {
        "blend": _served(Blend(fitted, WEIGHTS, "logit"))
    }
    vectors = matrix.astype(float).tolist()
    one, many = vectors[:1], vectors[:ROWS_MANY]
    for engine in engines.values():
        while engine._batch_scorer._batch is None:  # so that every one answers many rows with array operations
            engine.predict(many)
    return BlendTimings(
        alternate({name: partial(engine.predict, one) for name, engine in engines.items()}, _each(200), blocks=30),
        alternate({name: partial(engine.predict, many) for name, engine in engines.items()}, _each(1), blocks=40),
    )


def _each(calls: int) -> dict[str, int]:
    return dict.fromkeys((*MEMBERS, "blend"), calls)


def _served(model: object) -> FlatModel:
    document = flatten(model, models.ENCODING)  # type: ignore[arg-type]  # a model or a blend
    return load(orjson.loads(orjson.dumps(document)))
