"""Where two recordings differ, field by field, and which of the differences are allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tests.comparison import paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.comparison.paths import Path
    from tests.comparison.recording import Recording

type Change = Literal["removed", "added", "changed"]

SHOWN = 160  # characters of a value


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where a recording is another than before."""

    path: Path
    change: Change
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        values = {"removed": f"was {_short(self.before)}", "added": f"is {_short(self.after)}"}
        said = values.get(self.change, f"was {_short(self.before)}, is {_short(self.after)}")
        return f"{paths.spelled(self.path)}: {self.change}: {said}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """A difference that is meant: `where` is a pattern of paths, `issue` the point of the issue that asks for it.

    `renamed` takes the last name of each path that matches to `to`, in which {0}, {1} are what the pattern's `*` stood
    for, and compares what stands there. `removed` and `added` take everything below along.
    """

    where: str
    change: Literal["removed", "added", "changed", "renamed"]
    issue: str
    reason: str
    to: str = ""


def compare(before: Recording, after: Recording, allowed: Sequence[Allowed]) -> tuple[list[Difference], list[Allowed]]:
    """Return the differences that nothing allows, and the entries that allow nothing that is there."""
    used: set[Allowed] = set()
    renames = [one for one in allowed if one.change == "renamed"]
    known = _renamed((), before, renames, used) if renames else before
    left: list[Difference] = []
    for difference in _differences((), known, after):
        entry = next((one for one in allowed if _covers(one, difference)), None)
        if entry is None:
            left.append(difference)
        else:
            used.add(entry)
    return left, [one for one in allowed if one not in used]


def _covers(entry: Allowed, difference: Difference) -> bool:
    return entry.change == difference.change and paths.matches(entry.where, difference.path) is not None


def _renamed(path: Path, value: Any, renames: Sequence[Allowed], used: set[Allowed]) -> Any:
    if isinstance(value, list):
        return [_renamed((*path, str(place)), inner, renames, used) for place, inner in enumerate(value)]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, inner in value.items():
        place, new = (*path, name), name
        for entry in renames:
            if match := paths.matches(entry.where, place):
                new = entry.to.format(*match.groups())
                used.add(entry)
        found[new] = _renamed(place, inner, renames, used)
    return found


def _differences(path: Path, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            place = (*path, name)
            if name not in after:
                yield Difference(place, "removed", before=before[name])
            elif name not in before:
                yield Difference(place, "added", after=after[name])
            else:
                yield from _differences(place, before[name], after[name])
    elif isinstance(before, list) and isinstance(after, list):
        known = {str(place): value for place, value in enumerate(before)}
        yield from _differences(path, known, {str(place): value for place, value in enumerate(after)})
    elif type(before) is not type(after) or before != after:
        yield Difference(path, "changed", before, after)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"
