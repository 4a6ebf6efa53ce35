"""What every protocol is read into and written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import orjson

from modelloop.errors import InvalidValueError, MalformedBodyError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.contracts.bundle import Label
    from modelloop.json_types import JsonValue

MAX_ROWS = 10_000
MAX_VALUES = 400_000
PREDICT, PROBA = "predict", "predict_proba"
PATHS, SHAP = "paths", "shap"  # ways to explain
_UTF8_MARK = b"\xef\xbb\xbf"
_JSON = {"Content-Type": "application/json"}


@dataclass(slots=True)
class Query:
    """What a caller asks: raw cells by column, and what to answer.

    `binary` names outputs wanted as raw bytes; `explain` is the way to explain, None without.
    """

    rows: int
    cells: Mapping[str, Sequence[object]]
    id: str | None = None
    outputs: tuple[str, ...] = ()
    binary: frozenset[str] = frozenset()
    explain: str | None = None
    interval: float | None = None


class Explanation(NamedTuple):
    """Contributions by column for one row, in link space; `label` is the class whose score they explain.

    `method` says what SHAP values are taken over; None for path contributions.
    """

    base: float
    columns: dict[str, float]
    link: str
    label: Label | None = None
    method: str | None = None


@dataclass(slots=True)
class Answer:
    """What a version answers: a label in its original type or a number for each row, and what else was asked for.

    `unseen` says of how many rows a column's category is none that the model has learned, columns without any left out.
    """

    model: str
    version: int
    prediction_id: str
    predict: Sequence[Label]
    proba: list[list[float]] | None = None
    classes: Sequence[Label] | None = None
    explanations: list[Explanation] | None = None
    intervals: list[tuple[float, float]] | None = None
    level: float | None = None
    unseen: Mapping[str, int] | None = None


class Reply(NamedTuple):
    """An HTTP body and the headers that belong to it."""

    body: bytes
    headers: Mapping[str, str] = _JSON


def parse_object(body: bytes) -> dict[str, JsonValue]:
    """Parse a JSON object, in which NaN means null.

    Raises MalformedBodyError for anything else, TooLargeError before parsing too many values.
    """
    check_values(body)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        document = _parse_almost_json(body, error)
    if not isinstance(document, dict):
        raise MalformedBodyError("the body is not a JSON object")
    return document


def _parse_almost_json(body: bytes, refusal: orjson.JSONDecodeError) -> object:
    """Return the document of a body that begins with a byte order mark or holds NaN; raise MalformedBodyError else."""
    plain = body.removeprefix(_UTF8_MARK)
    try:
        if b"NaN" in plain:
            from modelloop.tables import not_a_number  # noqa: PLC0415  no valid request pays for it

            return not_a_number.parse(plain)
        if plain is not body:
            return orjson.loads(plain)
    except orjson.JSONDecodeError as error:
        refusal = error
    raise MalformedBodyError(f"the body is not JSON: {refusal}") from None


def check_values(body: bytes) -> None:
    """Raise TooLargeError when a body has more values than may be parsed; its commas are counted, which is quick."""
    if body.count(b",") > MAX_VALUES:
        raise TooLargeError(f"the body has more than {MAX_VALUES} values: send the rows in parts")


def check_rows(rows: int) -> int:
    """Return the count itself; raise when there is no row, or TooLargeError when there are too many."""
    if rows < 1:
        raise InvalidValueError("the request has no rows")
    if rows > MAX_ROWS:
        raise TooLargeError(f"{rows} rows are more than the {MAX_ROWS} that one request may have: send them in parts")
    return rows


def refuse_misplaced(document: Mapping[str, JsonValue], names: frozenset[str], where: str) -> None:
    """Raise MalformedBodyError when a part of a request that holds no options holds one of these."""
    if not names.isdisjoint(document):
        name = min(names.intersection(document))
        raise MalformedBodyError(f"{name} is out of place: it belongs into {where}", field=name)


def options(parameters: object, where: str) -> tuple[str | None, float | None]:
    """Read `explain` and `interval` out of a request's parameters."""
    if parameters is None:
        return None, None
    if not isinstance(parameters, dict):
        raise MalformedBodyError(f"{where} must be an object", field=where)
    explain, interval = parameters.get("explain", False), parameters.get("interval")
    if not isinstance(explain, bool) and explain != SHAP:
        raise MalformedBodyError(f'{where}.explain must be true, false or "{SHAP}"', field=f"{where}.explain")
    if interval is not None and (isinstance(interval, bool) or not isinstance(interval, int | float)):
        raise MalformedBodyError(f"{where}.interval must be a number such as 0.9", field=f"{where}.interval")
    way = explain if isinstance(explain, str) else PATHS if explain else None
    return way, None if interval is None else float(interval)
