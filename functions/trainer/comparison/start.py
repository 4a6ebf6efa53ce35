"""Where a run starts: the predecessor whose settings it tries, and whether it goes on from its fitted state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.errors import CannotContinueError
from modelloop.tables.encoding import encoding_from_json
from trainer import continuation
from trainer.comparison import predecessor
from trainer.comparison.schema_compatibility import speak_as

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry
    from modelloop.versions.run import Run
    from trainer.comparison.incumbents import Champion
    from trainer.comparison.predecessor import Predecessor
    from trainer.search.candidates import Candidate
    from trainer.search.trials import Record
    from trainer.table import PreparedTable


@dataclass(frozen=True, slots=True)
class Start:
    """The predecessor, if there is one, and why its fitted state must not be gone on from; None: it may."""

    predecessor: Predecessor | None = None
    obstacle: str | None = "there is no earlier version"

    def candidate(self, table: PreparedTable) -> Candidate | None:
        """Return the settings to try first, if any."""
        return None if self.predecessor is None else self.predecessor.candidate(table)


NOWHERE = Start()


def begin(
    registry: Registry, run: Run, table: PreparedTable, champion: Champion | None, earlier: Record | None
) -> tuple[PreparedTable, Start]:
    """Return the table, in the encoding of the state to go on from if there is one, and the start.

    What an earlier attempt started from stays the start, whatever is the champion by now; and what it left cold, cold.
    """
    if earlier is None:
        known = predecessor.find(registry, run.model, champion)
    else:
        known = predecessor.read(run.model, earlier.started_from) if earlier.started_from else None
    try:
        before = continuation.check(table, known)
    except CannotContinueError as error:
        return table, Start(known, error.message)
    table = speak_as(table, encoding_from_json(before.manifest["encoding"]))
    return table, Start(before, earlier.cold if earlier else None)
