"""Which side of the split a row is on: train, validation or holdout.

A row's side comes from a hash of its content (or group) and the model's salt, so it is on the same side in every
later version of the table, and copies are together. With a time column the newest rows are held out. In a coarse table,
where rows repeat because there are few values, each repetition of a content is hashed by its number too.

The rule has a version and missing tokens of its own, apart from how cells are read for learning: those of the version
that founded the split. What a later release reads otherwise moves no row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from modelloop.json_types import JsonValue

TRAIN, VALIDATION, HOLDOUT = 0, 1, 2
VALIDATION_SHARE = 0.2
CALIBRATION_SHARE = 1 / 3
HASH_DIGITS = 8
PLACES = 1 << 4 * HASH_DIGITS
FIELD_MARK, VALUE_MARK = "\x1e", "\x1f"
RULE_VERSION = 1
FIRST_TOKENS = ("", "N/A", "NA", "NaN", "None", "null")  # of splits that do not say which: the defaults of that time


CONTENT, OCCURRENCE, GROUP = "content", "content and occurrence", "group"
TIME, REFERENCE = "time", "reference"
HASHED = frozenset({CONTENT, OCCURRENCE, GROUP})
_HASHED_FIELDS = ("kind", "column", "holdout", "salt", "columns", "rule")
_FIELDS = {
    TIME: ("kind", "column", "time_kind", "holdout", "train_until", "last", "rule"),
    REFERENCE: ("kind",),
}


@dataclass(frozen=True, slots=True)
class Split:
    """How the rows of a table were divided, and the digest of all that decided it (`rule`).

    `kind` is CONTENT, OCCURRENCE or GROUP (by the hash of what `columns` hold; they are kinds by name), TIME (by
    `column`, whose kind is `time_kind`; the newest row that trains is of the time `train_until`, the newest row of all
    of `last`), or REFERENCE (the table of an imported model: nothing trains). `version` and the tokens `missing` say
    how cells are read where their hash divides. `different` is the number of different contents where most rows repeat
    another one, and `copies` whether these were copied; None and False elsewhere.
    """

    kind: str
    column: str | None = None
    holdout: float | None = None
    salt: str | None = None
    columns: Mapping[str, str] | None = None
    time_kind: str | None = None
    train_until: float | None = None
    last: float | None = None
    rule: str | None = None
    version: int = RULE_VERSION
    missing: tuple[str, ...] | None = None
    different: int | None = None
    copies: bool = False

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document of a prepared table: the fields of its kind, how cells are read and how rows repeat."""
        document = {name: getattr(self, name) for name in _FIELDS.get(self.kind, _HASHED_FIELDS)}
        reading = {} if self.missing is None else {"version": self.version, "missing": list(self.missing)}
        repetition = {} if self.different is None else {"different": self.different, "copies": self.copies}
        return document | reading | repetition


def split_from_json(document: Mapping[str, Any]) -> Split:
    """Return a stored split."""
    known = {entry.name: document[entry.name] for entry in fields(Split) if entry.name in document}
    if known.get("missing") is not None:
        known["missing"] = tuple(known["missing"])
    return Split(**known)


def salt(model: str) -> str:
    """Return the model's salt: fixed for its life, so that membership never moves."""
    return f"modelloop/{model}"


def hash_rule(
    kind: str, column: str | None, holdout: float, salt: str, columns: Mapping[str, str], missing: Iterable[str]
) -> str:
    """Return the hex SHA-256 of all that decides a split by hash: under one rule no row ever changes sides.

    It is that of version 1; a later version would add its number.
    """
    facts = {"kind": kind, "column": column, "holdout": holdout, "salt": salt, "columns": dict(columns)}
    return _digest(facts | {"missing": sorted(missing)})


def time_rule(column: str, time_kind: str) -> str:
    """Return the hex SHA-256 of all that decides a split by time."""
    return _digest({"kind": TIME, "column": column, "time_kind": time_kind})


def _digest(facts: Mapping[str, str | float | Mapping[str, str] | list[str] | None]) -> str:
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def share(model_salt: str, identity: str) -> float:
    """Return the row's place in [0, 1): the first 32 bits of SHA-256 over salt and identity."""
    digest = sha256(f"{model_salt}\n{identity}".encode()).hexdigest()
    return int(digest[:HASH_DIGITS], 16) / PLACES


def validation_edge(holdout: float) -> float:
    """Return the place below which a row that is not held out validates: a fifth of those."""
    return holdout + (1 - holdout) * VALIDATION_SHARE


def of_reference(matrix: NDArray[np.float32], task: str, model_salt: str) -> NDArray[np.uint8]:
    """Return the side of each reference row of an imported model: none trains here.

    A classifier is examined on all of them. Of a regression a third validates: intervals are calibrated on it and
    promised for the rest, so no row does both.
    """
    import numpy as np  # noqa: PLC0415  the domain imports numpy where it is used

    sides = np.full(len(matrix), HOLDOUT, np.uint8)
    if task == "regression":
        places = [share(model_salt, row.tobytes().hex()) for row in np.ascontiguousarray(matrix)]
        sides[np.array(places) < CALIBRATION_SHARE] = VALIDATION
    return sides


def by_time(times: NDArray[np.float64], holdout: float) -> NDArray[np.uint8]:
    """Return the side of each row by its time: the newest part is held out, the newest of the rest validates.

    Rows of one time stay together, on the older side of the edge. A row without a time (NaN) trains.
    """
    import numpy as np  # noqa: PLC0415  the domain imports numpy where it is used

    sides = np.full(len(times), TRAIN, np.uint8)
    ordered = np.sort(times[~np.isnan(times)])
    holdout_after = _edge(ordered, holdout)
    validation_after = _edge(ordered[ordered <= holdout_after], VALIDATION_SHARE)
    sides[times > validation_after] = VALIDATION
    sides[times > holdout_after] = HOLDOUT
    return sides


def _edge(ordered: NDArray[np.float64], newest: float) -> float:
    """Return the time after which about the newest share lies, so that at least one time lies after it."""
    if not len(ordered):
        return float("inf")
    edge = ordered[int((len(ordered) - 1) * (1 - newest))]
    earlier = ordered[ordered < ordered[-1]]
    if edge == ordered[-1] and len(earlier):
        edge = earlier[-1]
    return float(edge)
