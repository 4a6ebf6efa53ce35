"""From a downloaded file and a spec to the prepared table: profile, split, encoding, matrix, target, plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop.errors import DatasetRejectedError
from modelloop.settings import settings
from modelloop.spec.checks import check_upload
from modelloop.tables.encoding import Encoding
from training_trigger import encode, labels, leaks, membership, profile, slices
from training_trigger.number_formats import explain
from training_trigger.plan import Need, check_size, make_plan
from training_trigger.reading.load import load
from training_trigger.survey import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from modelloop.spec.model import Spec
    from modelloop.tables.encoding import Column
    from modelloop.versions.run import Plan
    from training_trigger.profile import Facts

FORMAT_VERSION = 1


@dataclass(slots=True)
class Prepared:
    """The table's document and the files beside it, by name."""

    document: dict[str, Any]
    files: dict[str, Path]
    plan: Plan
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Roles:
    features: list[int]
    reasons: dict[str, str]


def prepare(
    connection: DuckDBPyConnection,
    path: Path,
    *,
    file: str,
    model: str,
    spec: Spec,
    progress: Callable[[str], None],
    before: Mapping[str, Any] | None = None,
) -> Prepared:
    """Read, judge and encode a table; raise DatasetRejectedError, saying what to do, when it cannot be trained on.

    `before` is how the champion's rows were divided, and its target. `progress` is told each stage that is reached.
    Files are written beside `path`.
    """
    size = path.stat().st_size
    check_upload(spec, brought=False)
    check_size(size, settings().trainer_storage)
    cells = load(connection, path, file, spec.missing, spec.ignore)
    _check_spec(cells.names, spec)
    place = cells.names.index(profile.choose_target(cells.names, spec, cells.doubt))
    unlabelled = labels.drop_unlabelled(connection, place, cells.rows)
    facts = survey(connection, cells.kept(cells.rows - unlabelled))
    target = labels.read_labels(connection, place, facts[place], spec)
    spec.check_task(target.task, len(target.classes or ()))
    if spec.rare_classes != "refuse" and target.classes is not None:
        facts = survey(connection, cells.kept(_rows(connection)))
    roles = _roles(facts, place, spec)
    progress("profiled")
    identity = _identity(cells.names, facts, place, spec)
    known = before if before is not None and before["target"] == cells.names[place] else None
    sides = membership.assign(connection, model, spec, cells.names, facts, identity, known)
    membership.store_sides(connection, sides.sides)
    columns, places = _columns(connection, facts, roles, spec)
    encoding = Encoding(columns, spec.missing)
    need = Need(facts[place].rows, len(columns), len(encoding.slots), len(target.classes or ()), spec.families)
    plan = make_plan(need, size=size, memory_mb=settings().trainer_memory)
    values = labels.encode_labels(connection, target)
    membership.check_sides(sides.sides, values, target.classes)
    files = _write(connection, path.parent, encoding, places, values, sides)
    described, codes = slices.cut(connection, facts, spec, {column.name for column in columns})
    if described:
        files["slices.npy"] = path.parent / "slices.npy"
        np.save(files["slices.npy"], codes)
    warnings = [*cells.warnings, *profile.header_warning(facts), *sides.warnings]
    warnings += labels.look_alikes(target.classes)
    warnings += _warnings(facts, place, roles, spec, unlabelled)
    warnings += _leaks(encoding, files["matrix.npy"], values, target)
    document = {
        "format_version": FORMAT_VERSION, "model": model, "spec": spec.to_json(), "spec_lines": spec.lines,
        "task": target.task, "task_reason": target.reason, "target": cells.names[place], "target_kind": target.kind,
        "classes": list(target.classes) if target.classes is not None else None,
        "merged_classes": list(target.merged), "encoding": encoding.to_json(),
        "profile": _profile(cells.names, facts, place, roles, spec), "warnings": warnings,
        "rows": facts[place].rows, "salt": sides.document.get("salt"), "split": sides.document,
        "slices": described,
    }  # fmt: skip
    return Prepared(document, files, plan, warnings)


def _check_spec(names: tuple[str, ...], spec: Spec) -> None:
    for key in ("features", "ignore", "protected", "mask"):
        profile.check_named(names, spec, key, getattr(spec, key))
    for key in ("time_column", "group_column"):
        named = getattr(spec, key)
        profile.check_named(names, spec, key, (named,) if named else ())


def _rows(connection: DuckDBPyConnection) -> int:
    return int(connection.execute("SELECT count(*) FROM cells").fetchall()[0][0])


def _roles(facts: Sequence[Facts], target: int, spec: Spec) -> _Roles:
    roles = _Roles([], {})
    for place, column in enumerate(facts):
        if place == target:
            continue
        reason = _set_aside(column.name, spec) or profile.drop_reason(column, masked=column.name in spec.mask)
        if reason:
            roles.reasons[column.name] = reason
        else:
            profile.check_range(column)
            roles.features.append(place)
    return roles


def _set_aside(name: str, spec: Spec) -> str | None:
    if name in spec.ignore:
        return "model.yaml ignores it"
    if spec.features:
        return None if name in spec.features else "model.yaml lists other features"
    if name == spec.time_column:
        return "it orders the rows; list it under `features` to learn from it too"
    return "it groups the rows" if name == spec.group_column else None


def _identity(names: Sequence[str], facts: Sequence[Facts], target: int, spec: Spec) -> list[int]:
    """Return the places of the cells that make a row what it is: all but its label, ignored cells and its name."""
    return [
        place
        for place, column in enumerate(facts)
        if place != target
        and names[place] not in spec.ignore
        and not (column.kind == "text" and column.near_unique)
        and column.present
    ]


def _columns(
    connection: DuckDBPyConnection, facts: Sequence[Facts], roles: _Roles, spec: Spec
) -> tuple[list[Column], list[int]]:
    columns, places = [], []
    for place in roles.features:
        column, reason = encode.choose_column(connection, place, facts[place])
        if column is None:
            why = explain(facts[place], masked=facts[place].name in spec.mask)
            roles.reasons[facts[place].name] = why or reason or ""
        else:
            columns.append(column)
            places.append(place)
    if not columns:
        reasons = "; ".join(f"{name!r}: {reason}" for name, reason in list(roles.reasons.items())[:5])
        raise DatasetRejectedError(f"no column is left to learn from ({reasons})")
    return columns, places


def _write(
    connection: DuckDBPyConnection,
    folder: Path,
    encoding: Encoding,
    places: list[int],
    target: Any,
    sides: membership.Membership,
) -> dict[str, Path]:
    files = {name: folder / name for name in ("matrix.npy", "target.npy", "membership.npy")}
    encode.write_matrix(connection, encoding, places, len(target), files["matrix.npy"])
    np.save(files["target.npy"], target)
    np.save(files["membership.npy"], sides.sides)
    if sides.times is not None:
        files["times.npy"] = folder / "times.npy"
        np.save(files["times.npy"], sides.times)
    return files


def _warnings(facts: Sequence[Facts], target: int, roles: _Roles, spec: Spec, unlabelled: int) -> list[str]:
    rows = "1 row has" if unlabelled == 1 else f"{unlabelled:,} rows have"
    found = [f"{rows} no label and {'was' if unlabelled == 1 else 'were'} left out"] if unlabelled else []
    if why := explain(facts[target], masked=facts[target].name in spec.mask):
        found.append(f"target {facts[target].name!r} was read as text: {why}")
    for place in roles.features:
        found += profile.warnings(facts[place], masked=facts[place].name in spec.mask)
    found += [
        f"column {name!r} is not used: {reason}"
        for name, reason in roles.reasons.items()
        if name not in spec.ignore and not reason.startswith("model.yaml")
    ]
    return found


def _leaks(encoding: Encoding, matrix: Path, target: Any, wanted: labels.Labels) -> list[str]:
    rows = np.load(matrix, mmap_mode="r")
    return [
        f"column {name!r} alone predicts the target almost perfectly ({score:.1%}): does it hold the answer? "
        "If it is not known at prediction time, list it under `ignore` in model.yaml"
        for name, score in leaks.suspects(encoding, rows, target, len(wanted.classes or ()))
    ]


def _profile(
    names: Sequence[str], facts: Sequence[Facts], target: int, roles: _Roles, spec: Spec
) -> list[dict[str, Any]]:
    described = []
    for place, column in enumerate(facts):
        role = "target" if place == target else "dropped" if names[place] in roles.reasons else "feature"
        reason = roles.reasons.get(names[place])
        described.append(profile.describe(column, role, reason, masked=names[place] in spec.mask))
    return described
