"""The steps of the demo: what is being done, how it went, and the summary at the end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from modelloop_client.failures import CommandError, explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop_cli.console import Console


@dataclass(slots=True)
class Step:
    """One step; `outcome` is the line that the summary shows of it."""

    name: str
    outcome: str = ""
    seconds: float = 0.0
    failed: bool = False


@dataclass(slots=True)
class Steps:
    """The steps taken so far."""

    console: Console
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step and record its failure, which is raised again: later steps depend on earlier ones."""
        step = Step(name)
        self.steps.append(step)
        self.console.note(f"\n[bold cyan]▸ {name}[/]")
        started = time.monotonic()
        try:
            yield step
        except Exception as error:
            failure = explain(error) or CommandError(f"{type(error).__name__}: {error}")
            step.failed, step.outcome = True, failure.message
            self.console.fail(failure)
            raise
        finally:
            step.seconds = time.monotonic() - started

    @property
    def failed(self) -> bool:
        """Return whether any step failed."""
        return any(step.failed for step in self.steps)

    def summary(self) -> Panel:
        """Return the panel that ends the demo: a line for each step."""
        grid = Table.grid(padding=(0, 2))
        for width in (1, None, 72, None):
            grid.add_column(max_width=width, no_wrap=width is None)
        for step in self.steps:
            mark = "[red]✗[/]" if step.failed else "[green]✓[/]"
            grid.add_row(mark, step.name, Text(step.outcome), f"[dim]{step.seconds:.1f} s[/]")
        seconds = sum(step.seconds for step in self.steps)
        title, colour = ("A step of the demo failed", "red") if self.failed else ("The demo succeeded", "green")
        return Panel(grid, title=f"[bold]{title}[/]", subtitle=f"{seconds:.0f} s", border_style=colour, expand=False)
