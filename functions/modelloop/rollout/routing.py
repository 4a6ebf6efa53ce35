"""Which version answers one request: by its share of the traffic, or by the number that the caller names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelloop.contracts.pointer import CHALLENGER, CHAMPION, PINNED
from modelloop.ids import share

if TYPE_CHECKING:
    from modelloop.contracts.pointer import Pointer, VersionRef


class Choice(NamedTuple):
    """The version that answers one request, and as what."""

    ref: VersionRef
    variant: str


def choose(pointer: Pointer, key: str) -> Choice | None:
    """Return champion or challenger for a sticky key or request id, or None when nothing serves.

    The share is a hash of the model, the challenger and the key: the same key gets the same answerer while the
    challenger stays, and keeps it when the weight rises.
    """
    challenger = pointer.challenger
    if challenger is not None and share(pointer.model, challenger.run_id, key) < pointer.weight:
        return Choice(challenger, CHALLENGER)
    return None if pointer.champion is None else Choice(pointer.champion, CHAMPION)


def pinned(pointer: Pointer, version: int) -> Choice | None:
    """Return the choice for a request that names its version, or None when the pointer does not reach it."""
    ref = pointer.find(version)
    if ref is None:
        return None
    return Choice(ref, CHAMPION if ref == pointer.champion else PINNED)
