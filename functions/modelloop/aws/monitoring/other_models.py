"""Whose predictions labels are of that the model itself has none for: somebody may have sent them to the wrong model.

Ids can be made up, so what is looked for is bounded: a tick makes at most MAX_CALLS calls for it, and what it does not
come to counts as unknown.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from modelloop import keys
from modelloop.aws.serving import pointers
from modelloop.contracts.index_entry import find_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from modelloop.aws.storage import Bucket

MAX_CALLS = 200  # lists and reads of other models' indexes in one tick of one model


class OtherModels:
    """The other models of a stack, as far as one tick looks into their predictions."""

    def __init__(self, artifacts: Bucket, model: str, calls: int = MAX_CALLS) -> None:
        self._artifacts = artifacts
        self._model = model
        self._calls = calls

    def find(self, hour: str, ids: Collection[str]) -> set[str]:
        """Return those of the ids that other models gave to their predictions of an hour."""
        wanted, found = set(ids), set[str]()
        for body in self._indexes(hour):
            found |= find_ids(body, wanted)
            if found == wanted:
                break
        return found

    def _indexes(self, hour: str) -> Iterator[bytes]:
        """Yield the stored index entries of every other model in an hour, as long as there are calls left."""
        for model in self._names:
            if not self._calls:
                return
            self._calls -= 1
            for key in self._artifacts.list_keys(keys.index(model, hour, "").removesuffix(".jsonl")):
                if not self._calls:
                    return
                self._calls -= 1
                yield self._artifacts.get(key)

    @cached_property
    def _names(self) -> list[str]:
        return [model for model in pointers.models(self._artifacts) if model != self._model]
