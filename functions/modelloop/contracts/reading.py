"""What every reader of a stored JSON document does: check the format version, and name what is damaged."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from modelloop.errors import ArtifactRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reading(what: str, document: Any, version: int, unversioned: int | None = None) -> Iterator[None]:
    """Raise ArtifactRefusedError for a document of another format version, and for what fails while it is read.

    `unversioned` is the version of documents that name none; None: those are refused.
    """
    if not isinstance(document, dict):
        raise ArtifactRefusedError(f"the {what} is damaged: it is no JSON object")
    found = document.get("format_version", unversioned)
    if found != version:
        raise ArtifactRefusedError(f"the {what} has format version {found!r}, and version {version} can be read")
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactRefusedError(f"the {what} is damaged: {error!r}") from error
