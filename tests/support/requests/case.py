"""One request as some client writes it, and what is answered: the form of the corpus."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from modelloop.tables.encoding import Column, Encoding
from tests.support.data_plane import LINEAR, make_bundle

INVOKE = "/models/{model}/invocations"
INFER = "/v2/models/{model}/infer"
JSON = {"Content-Type": "application/json"}
CSV = {"Content-Type": "text/csv"}
COLUMNS = (
    Column("mass", "number"),
    Column("island", "text", ("Biscoe", "Dream", "Zürich")),
    Column("day", "date", origin="2026-01-01"),
    Column("tagged", "boolean"),
    Column("weight", "number", required=False),
)
# One row as every case sends it unless its point is another one, and what is read of it.
ROW: dict[str, Any] = {"mass": 1.5, "island": "Dream", "day": "2026-01-31", "tagged": True}
READ: dict[str, list[Any]] = {"mass": [1.5], "island": ["Dream"], "day": ["2026-01-31"], "tagged": [True]}
CATEGORIES = {"Biscoe": -2.0, "Dream": 2.0, "Zürich": 1.0}


def bundle() -> dict[str, Any]:
    """A logistic model: mass (0.5 where missing) and the island's number make Gentoo where they are above zero."""
    others = [0.0] * 5  # days, month, weekday, tagged and weight decide nothing
    flat = LINEAR | {
        "slots": 7,
        "numbers": [0, 2, 3, 4, 5, 6],
        "weights": [[1.0, *others]],
        "missing": [[0.5, *others]],
        "tables": [[[-2.0, 2.0, 1.0, 0.0, 0.0]]],
    }
    row = {"mass": 0.0, "island": "elsewhere", "day": None, "tagged": None}
    golden = {"rows": [row], "outputs": [{"predict": "Adelie", "predict_proba": [0.5, 0.5]}]}
    return make_bundle(encoding=Encoding(COLUMNS).to_json(), flat=flat, golden=golden)


@dataclass(frozen=True, slots=True)
class Case:
    """A request: who sends it, what is peculiar about it, and the expected status with what was read or refused.

    `cells` are the typed values by column that the model must get; `said` stands in the refusal, `place` is its field
    and row.
    """

    client: str
    sends: str
    body: bytes
    headers: dict[str, str]
    route: str = INVOKE
    status: int = 200
    cells: dict[str, list[Any]] = field(default_factory=dict)
    unseen: dict[str, int] | None = None
    code: str = ""
    said: str = ""
    place: tuple[str | None, int | None] = (None, None)

    @property
    def name(self) -> str:
        return f"{self.route.rpartition('/')[2]}, {self.client}: {self.sends}"

    @property
    def labels(self) -> list[str]:
        """The predictions that follow from the cells."""
        pairs = zip(self.cells["mass"], self.cells["island"], strict=True)
        scores = [(0.5 if mass is None else mass) + CATEGORIES.get(island, 0.0) for mass, island in pairs]
        return ["Gentoo" if score > 0 else "Adelie" for score in scores]


def read(client: str, sends: str, body: Any, headers: dict[str, str] = JSON, **rest: Any) -> Case:
    """Return a request that is read: as the usual row, but for the columns named in `rest`."""
    route, unseen = rest.pop("route", INVOKE), rest.pop("unseen", None)
    rows = len(next(iter(rest.values()), [1]))
    cells = {name: values * rows if name not in rest else rest[name] for name, values in READ.items()}
    cells["weight"] = rest.get("weight", [None] * rows)
    return Case(client, sends, _bytes(body), headers, route, cells=cells, unseen=unseen)


def refused(client: str, sends: str, body: Any, status: int, said: str, **rest: Any) -> Case:
    """Return a request that is refused with these words."""
    codes = {
        400: "BAD_REQUEST", 413: "REQUEST_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE", 422: "INVALID_PARAMETER_VALUE",
    }  # fmt: skip
    headers, route = rest.pop("headers", JSON), rest.pop("route", INVOKE)
    place = (rest.pop("at", None), rest.pop("row", None))
    return Case(client, sends, _bytes(body), headers, route, status, code=codes[status], said=said, place=place)


def row(**changes: Any) -> dict[str, Any]:
    """Return the usual row with other values; None drops nothing, it is sent."""
    return ROW | changes


def records(*rows: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """Return an MLflow body of records."""
    return {"dataframe_records": list(rows) or [ROW]} | rest


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
