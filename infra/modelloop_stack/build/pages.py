"""`python -m modelloop_stack.build.pages`: write the tables of `infra/docs/routes.md` anew, as `make docs` does."""

from __future__ import annotations

from pathlib import Path

from modelloop.contracts import routes
from modelloop_stack.build.paths import ROOT

PAGE = ROOT / "infra" / "docs" / "routes.md"


def with_tables(text: str) -> str:
    """Return the page with the table of each plane's routes between its two markers, and the rest as it is."""
    for plane in (routes.DATA, routes.CONTROL):
        begin, end = f"<!-- routes: {plane} -->", f"<!-- end of routes: {plane} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"the page has no place between {begin} and {end}")
        text = f"{before}{begin}\n{_table(plane)}\n{end}{after}"
    return text


def _table(plane: str) -> str:
    rows = [f"| `{route.key}` | {_cell(route)} |" for route in routes.of_plane(plane)]
    return "\n".join(["| Route | What it does |", "|---|---|", *rows])


def _cell(route: routes.Route) -> str:
    return f"{route.summary}: {route.details}" if route.details else route.summary


def main(page: Path = PAGE) -> None:
    """Rewrite the page."""
    page.write_text(with_tables(page.read_text()))


if __name__ == "__main__":
    main()
