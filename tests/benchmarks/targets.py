"""What was promised, beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Target:
    """A promise and its figure; `met` when the figure is on the right side of the limit.

    `why` says what the figure is made of, where a miss has a reason that lies outside this code.
    """

    promise: str
    figure: float
    limit: float
    unit: str
    at_least: bool = False
    why: str = ""

    @property
    def met(self) -> bool:
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def row(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = (
            "met"
            if self.met
            else f"**missed** ({abs(self.figure / self.limit - 1):.0%} off)" + (f": {self.why}" if self.why else "")
        )
        return f"| {self.promise} | {sign} {self.limit:.3g} {self.unit} | {self.figure:.3g} {self.unit} | {verdict} |"


def table(targets: Sequence[Target]) -> list[str]:
    """Return the lines of the table that opens a section."""
    return ["| what was promised | target | measured | |", "|---|---|---|---|", *(target.row() for target in targets)]
