"""The page: models, what serves, drift and quality, runs and versions, served on loopback by the signing proxy."""

from __future__ import annotations

from modelloop_cli.proxy import Page
from modelloop_stack import project

PREFIX = "/dashboard/"
_FOLDER = project.files() / "infra" / "dashboard"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def pages() -> dict[str, Page]:
    """Return the page's files by path; the folder itself is the page."""
    found = {
        PREFIX + file.name: (_TYPES[file.suffix], file.read_bytes())
        for file in sorted(_FOLDER.iterdir())
        if file.suffix in _TYPES
    }
    return found | {PREFIX: found[f"{PREFIX}index.html"]}
