"""What cannot stand still, and what is written for people: one table of each, with the reason.

Everything else in a recording is compared as it is. What is replaced keeps its place: that it is there is compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.comparison.paths import SEPARATOR, compiled, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.comparison.paths import Path
    from tests.comparison.recording import Recording

VOLATILE: dict[str, str] = {
    "** > environment > code": "a digest of the product's source files",
    "** > environment > families": "a digest of some of the product's source files",
    "** > environment > lock": "a digest of every package of the environment, tools included",
    "** > environment > python": "the patch release differs from machine to machine",
    "answers > *lineage* > json > code": "a digest of the product's source files",
    "answers > *lineage* > json > lock": "a digest of every package of the environment",
    "** > spent > memory_mb": "what the recording process has held in memory",
    "** > files > model.joblib > sha256": "a pickle names the modules of its classes",
    "** > files > model.joblib > bytes": "a pickle names the modules of its classes",
    "artifacts > *model.joblib > 0": "a pickle names the modules of its classes",
    "** > files > report.html > sha256": "a page for people, compared by other tests",
    "** > files > report.html > bytes": "a page for people, compared by other tests",
    "metrics > * > * > _aws > Timestamp": "some of them are read from clocks in C",
    "results > export/*/printed > out": "a folder of this recording",
}  # each ends in a name without a wildcard, as the other tables' do

LINKS: dict[str, str] = {
    "answers > * > json > url": "its address has a port, its signature a date",
    "answers > * > json > report": "its address has a port, its signature a date",
}

TEXTS: tuple[str, ...] = (
    "answers > * > json > error",
    "answers > * > json > message",
    "answers > *openapi.json > ** > description",
    "answers > *openapi.json > ** > summary",
    "answers > *document > ** > description",
    "answers > *document > ** > summary",
    "answers > * > text > * > help",
    "metrics > * > * > message",
    "** > reason",
    "** > reasons",
    "** > why",
    "** > detail",
    "** > advice",
    "** > warnings",
    "** > task_reason",
    "** > detail > outcome",
    "** > detail > json > outcome",
    "** > trials > * > error",
    "artifacts > *trials.json > * > json > cold",
)  # sentences, and lists of sentences; what stands there and is no text is compared as it is

_SIGNED = {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"}


def normalised(recording: Recording) -> Recording:
    """Return a recording in which what is volatile or a sentence is replaced by its kind."""
    return {kind: _walk((kind,), documents) for kind, documents in recording.items()}


def _walk(path: Path, value: Any) -> Any:
    if _one_of(_ANY_VOLATILE, path):
        return "<volatile>"
    if isinstance(value, dict):
        return {name: _walk((*path, name), inner) for name, inner in value.items()}
    if isinstance(value, list) and not (_are_texts(value) and _one_of(_ANY_TEXT, path)):
        return [_walk((*path, str(place)), inner) for place, inner in enumerate(value)]
    return _leaf(path, value)


def _leaf(path: Path, value: Any) -> Any:
    if isinstance(value, list):
        return [f"<{len(value)} texts>"]
    if isinstance(value, str) and _one_of(_ANY_LINK, path):
        return _link(value)
    return "<text>" if isinstance(value, str) and value and _one_of(_ANY_TEXT, path) else value


def _are_texts(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(one, str) for one in value)


def _link(value: str) -> dict[str, Any]:
    """Return what of a signed link does not depend on when and where it was made."""
    place = urlsplit(value)
    query = {name: "<volatile>" if name in _SIGNED else value for name, value in parse_qsl(place.query)}
    return {"path": place.path, "query": query}


def _by_last_name(patterns: Iterable[str]) -> dict[str, re.Pattern[str]]:
    """Return one expression for all patterns that end in a name, by that name: most paths end in none of them."""
    groups: dict[str, list[str]] = {}
    for pattern in patterns:
        groups.setdefault(pattern.rpartition(SEPARATOR)[2], []).append(f"(?:{compiled(pattern).pattern})")
    return {name: re.compile("|".join(group), re.DOTALL) for name, group in groups.items()}


def _one_of(expressions: dict[str, re.Pattern[str]], path: Path) -> bool:
    expression = expressions.get(path[-1])
    return expression is not None and expression.fullmatch(spelled(path)) is not None


_ANY_VOLATILE, _ANY_LINK, _ANY_TEXT = _by_last_name(VOLATILE), _by_last_name(LINKS), _by_last_name(TEXTS)
