"""Labelled rows, which monitoring keeps by the hour: each row's last label, in an order that never varies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from modelloop import keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.aws.storage import Bucket


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One prediction's features and the label that came for it; `time` is when the label was given."""

    id: str
    row: int
    time: str
    values: dict[str, Any]
    label: str | float | bool


def read_labelled(artifacts: Bucket, model: str) -> list[LabelledRow]:
    """Return the labelled rows of a model by id and row: the last label by time wins."""
    last: dict[tuple[str, int], LabelledRow] = {}
    for key in sorted(artifacts.list_keys(keys.labelled_prefix(model))):
        for labelled in _rows(artifacts.get(key)):
            place = (labelled.id, labelled.row)
            if place not in last or last[place].time <= labelled.time:
                last[place] = labelled
    return [last[place] for place in sorted(last)]


def _rows(body: bytes) -> Iterator[LabelledRow]:
    for line in body.splitlines():
        if not line.strip():
            continue
        document = orjson.loads(line)
        if isinstance(document.get("values"), dict) and document.get("label") is not None:
            yield LabelledRow(
                id=str(document["id"]),
                row=int(document.get("row", 0)),
                time=str(document.get("time", "")),
                values=document["values"],
                label=document["label"],
            )
