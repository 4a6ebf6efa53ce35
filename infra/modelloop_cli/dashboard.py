"""The dashboard's files: the signing proxy serves them on loopback.

How charts are drawn (Chart.js, charts.js, theme.css) is shared with the trainer's report and lies beside it, because
the trainer's code has to hold what its report is made of.
"""

from __future__ import annotations

from modelloop_cli.proxy import Page
from modelloop_stack import project

PREFIX = "/dashboard/"
_FOLDER = project.files() / "infra" / "dashboard"
_CHARTS = project.files() / "functions" / "trainer" / "report" / "charts"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def pages() -> dict[str, Page]:
    """Return every file of the dashboard by its path in an address; the prefix itself is the page."""
    files = {
        PREFIX + file.name: (_TYPES[file.suffix], file.read_bytes())
        for folder in (_FOLDER, _CHARTS)
        for file in sorted(folder.iterdir())
        if file.suffix in _TYPES
    }
    return files | {PREFIX: files[f"{PREFIX}index.html"]}
