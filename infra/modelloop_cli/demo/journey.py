"""The stations of a journey: what is being done, how it went, and the summary at the end."""

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

    from modelloop_cli.screen import Screen


@dataclass(slots=True)
class Station:
    """One step; `outcome` is what a person should know of it in a line."""

    name: str
    outcome: str = ""
    seconds: float = 0.0
    failed: bool = False


@dataclass(slots=True)
class Journey:
    """The stations visited so far."""

    screen: Screen
    stations: list[Station] = field(default_factory=list)

    @contextmanager
    def station(self, name: str) -> Iterator[Station]:
        """Time a station and note its failure; the failure goes on, since what follows builds on it."""
        station = Station(name)
        self.stations.append(station)
        self.screen.note(f"\n[bold cyan]▸ {name}[/]")
        started = time.monotonic()
        try:
            yield station
        except Exception as error:
            told = explain(error) or CommandError(f"{type(error).__name__}: {error}")
            station.failed, station.outcome = True, told.message
            self.screen.fail(told)
            raise
        finally:
            station.seconds = time.monotonic() - started

    @property
    def failed(self) -> bool:
        """Tell whether any station failed."""
        return any(station.failed for station in self.stations)

    def summary(self) -> Panel:
        """Return the panel that ends the demo."""
        grid = Table.grid(padding=(0, 2))
        for width in (1, None, 72, None):
            grid.add_column(max_width=width, no_wrap=width is None)
        for station in self.stations:
            mark = "[red]✗[/]" if station.failed else "[green]✓[/]"
            grid.add_row(mark, station.name, Text(station.outcome), f"[dim]{station.seconds:.1f} s[/]")
        took = sum(station.seconds for station in self.stations)
        title, colour = ("The loop is broken", "red") if self.failed else ("The loop turns", "green")
        return Panel(grid, title=f"[bold]{title}[/]", subtitle=f"{took:.0f} s", border_style=colour, expand=False)
