"""Labelled rows, which monitoring keeps by the hour: each row's last label, in an order that never varies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop import keys
from modelloop.contracts.labelled_row import read_labelled_rows

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.labelled_row import LabelledRow


def read_labelled(artifacts: Bucket, model: str) -> list[LabelledRow]:
    """Return the labelled rows of a model by id and row: the last label by time wins."""
    last: dict[tuple[str, int], LabelledRow] = {}
    for key in sorted(artifacts.list_keys(keys.labelled_prefix(model))):
        for labelled in read_labelled_rows(artifacts.get(key)):
            row = labelled.id, labelled.row
            if row not in last or last[row].time <= labelled.time:
                last[row] = labelled
    return [last[row] for row in sorted(last)]
