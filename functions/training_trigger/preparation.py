"""From a downloaded file and a spec to the prepared table: profile, split, encoding, matrix, target, plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import DatasetRejectedError
from modelloop.spec.checks import check_upload
from modelloop.tables.encoding import Encoding
from modelloop.versions.prepared_table import TableFacts
from training_trigger import founding, growing, labels, leaks, matrix, membership, novelty, profile, slices
from training_trigger.membership import Founding
from training_trigger.number_formats import explain
from training_trigger.plan import Need, check_size, make_plan
from training_trigger.reading.index_columns import counted_on
from training_trigger.reading.load import load
from training_trigger.survey import survey
from training_trigger.target import check_named, choose_target, likely_target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from modelloop.spec.model import Spec
    from modelloop.tables.encoding import Column
    from modelloop.versions.prepared_table import ColumnProfile
    from modelloop.versions.run import Plan
    from training_trigger.founding import ChampionSplit
    from training_trigger.membership import Membership, TargetValues
    from training_trigger.profile import Facts
    from training_trigger.services import Trainer


@dataclass(frozen=True, slots=True)
class Prepared:
    """The facts of a table, the files beside its document by name, and the plan of its training."""

    facts: TableFacts
    files: dict[str, Path]
    plan: Plan


@dataclass(frozen=True, slots=True)
class _Roles:
    """The places of the feature columns, and why each other column is not one."""

    features: list[int]
    reasons: dict[str, str]


def prepare(
    connection: DuckDBPyConnection,
    path: Path,
    *,
    file: str,
    model: str,
    spec: Spec,
    trainer: Trainer,
    progress: Callable[[str], None],
    champion_split: ChampionSplit | None = None,
) -> Prepared:
    """Read, judge and encode a table; raise DatasetRejectedError, with what to do, when it cannot be trained on.

    `path` is a file, or a folder of part files. `trainer` is the deployed trainer; `progress` is called with each stage
    that is reached. Files are written beside `path`.
    """
    size = sum(part.stat().st_size for part in path.iterdir()) if path.is_dir() else path.stat().st_size
    check_upload(spec, imported=False)
    check_size(size, trainer.storage_mb)
    founded = founding.founding_tokens(champion_split, model, spec)
    likely = partial(likely_target, spec=spec)
    counted = counted_on(spec, None if champion_split is None else champion_split.columns)
    cells = load(connection, path, file, spec.missing, spec.ignore, counted, founded, likely)
    _check_spec(cells.names, spec)
    name = choose_target(cells.names, spec, cells.doubt)
    place = cells.names.index(name)
    tokens = labels.token_warnings(connection, place, name, cells.kept, cells.rows)
    unlabelled = labels.drop_unlabelled(connection, place, cells.rows)
    facts = survey(connection, cells.of_rows(cells.rows - unlabelled))
    target = labels.read_target(connection, place, facts[place], spec)
    classes = len(target.classes or ())
    spec.check_task(target.task, classes)
    if spec.rare_classes != "refuse" and target.classes is not None:
        facts = survey(connection, cells.of_rows(_rows(connection)))
    roles = _roles(facts, place, spec)
    progress("profiled")
    identity = _identity(cells.names, facts, place, spec)
    champion = champion_split if champion_split is not None and champion_split.target == name else None
    divide = Founding(founded, cells.kept, champion)
    sides = membership.assign(connection, model, spec, cells.names, facts, identity, divide)
    membership.store_sides(connection, sides.sides)
    columns, places = _columns(connection, facts, roles, spec)
    encoding = Encoding(columns, spec.missing)
    need = Need(facts[place].rows, len(columns), len(encoding.slots), classes, spec.families)
    plan = make_plan(need, size=size, memory_mb=trainer.memory_mb)
    values = labels.encode_labels(connection, target)
    membership.check_sides(sides, values, target.classes)
    files = _write(connection, path.parent, encoding, places, values, sides)
    sliced, codes = slices.cut(connection, facts, spec, {column.name for column in columns})
    if sliced:
        files["slices.npy"] = path.parent / "slices.npy"
        np.save(files["slices.npy"], codes)
    warnings = [*cells.warnings, *profile.header_warning(facts, cells.first_line), *sides.warnings]
    warnings += labels.look_alikes(target.classes)
    warnings += [*tokens, *_warnings(facts, place, roles, spec, unlabelled)]
    grown = [
        column for column in growing.growing_columns(connection, facts, places, sides.times) if column not in spec.watch
    ]
    warnings += growing.warnings(grown)
    novelties = novelty.novelties(connection, columns, places, sides)
    warnings += novelty.warnings(novelties, spec.mask)
    warnings += leaks.warnings(encoding, np.load(files["matrix.npy"], mmap_mode="r"), values, classes)
    table_facts = TableFacts(
        model=model,
        spec=spec,
        task=target.task,
        task_reason=target.reason,
        target=name,
        target_kind=target.kind,
        classes=list(target.classes) if target.classes is not None else None,
        merged_classes=list(target.merged),
        encoding=encoding,
        profile=_profile(cells.names, facts, place, roles, spec),
        warnings=warnings,
        rows=facts[place].rows,
        salt=sides.split.salt,
        split=sides.split,
        slices=sliced,
        first_line=cells.first_line,
        growing=tuple(grown),
        novelty=novelties,
    )
    return Prepared(table_facts, files, plan)


def _check_spec(names: tuple[str, ...], spec: Spec) -> None:
    for key in ("features", "ignore", "protected", "mask", "watch"):
        check_named(names, spec, key, getattr(spec, key))
    for key in ("time_column", "group_column"):
        named = getattr(spec, key)
        check_named(names, spec, key, (named,) if named else ())


def _rows(connection: DuckDBPyConnection) -> int:
    return int(connection.execute("SELECT count(*) FROM cells").fetchall()[0][0])


def _roles(facts: Sequence[Facts], target: int, spec: Spec) -> _Roles:
    roles = _Roles([], {})
    for place, column in enumerate(facts):
        if place == target:
            continue
        reason = _excluded(column.name, spec) or profile.drop_reason(column, masked=column.name in spec.mask)
        if reason:
            roles.reasons[column.name] = reason
        else:
            profile.check_range(column)
            roles.features.append(place)
    if not roles.features:
        raise _nothing_left(roles)
    return roles


def _nothing_left(roles: _Roles) -> DatasetRejectedError:
    reasons = "; ".join(f"{name!r}: {reason}" for name, reason in list(roles.reasons.items())[:5])
    return DatasetRejectedError(f"no column is left to learn from ({reasons})")


def _excluded(name: str, spec: Spec) -> str | None:
    """Return why the spec keeps a column from being a feature, or None."""
    if name in spec.ignore:
        return "model.yaml ignores it"
    if spec.features:
        return None if name in spec.features else "model.yaml lists other features"
    if name == spec.time_column:
        return "it orders the rows; list it under `features` to learn from it too"
    return "it groups the rows" if name == spec.group_column else None


def _identity(names: Sequence[str], facts: Sequence[Facts], target: int, spec: Spec) -> list[int]:
    """Return the places of the columns that identify a row by its content: no label, no ignored cell, no name of it."""
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
    """Return the encoding of every feature column with its place; what cannot be encoded goes to the roles' reasons."""
    columns, places = [], []
    for place in roles.features:
        column, reason = matrix.choose_column(connection, place, facts[place])
        if column is None:
            why = explain(facts[place], masked=facts[place].name in spec.mask)
            roles.reasons[facts[place].name] = why or reason or ""
        else:
            columns.append(column)
            places.append(place)
    if not columns:
        raise _nothing_left(roles)
    return columns, places


def _write(
    connection: DuckDBPyConnection,
    folder: Path,
    encoding: Encoding,
    places: list[int],
    target: TargetValues,
    sides: Membership,
) -> dict[str, Path]:
    files = {name: folder / name for name in ("matrix.npy", "target.npy", "membership.npy")}
    matrix.write_matrix(connection, encoding, places, len(target), files["matrix.npy"])
    np.save(files["target.npy"], target)
    np.save(files["membership.npy"], sides.sides)
    if sides.times is not None:
        files["times.npy"] = folder / "times.npy"
        np.save(files["times.npy"], sides.times)
    if sides.repetition is not None:
        files["contents.npy"] = folder / "contents.npy"
        np.save(files["contents.npy"], sides.repetition.contents)
    if sides.groups is not None:
        files["groups.npy"] = folder / "groups.npy"
        np.save(files["groups.npy"], sides.groups)
    return files


def _warnings(facts: Sequence[Facts], target: int, roles: _Roles, spec: Spec, unlabelled: int) -> list[str]:
    left_out = f"no label and {'was' if unlabelled == 1 else 'were'} left out"
    warnings = [f"{profile.rows_have(unlabelled)} {left_out}"] if unlabelled else []
    if why := explain(facts[target], masked=facts[target].name in spec.mask):
        warnings.append(f"target {facts[target].name!r} was read as text: {why}")
    for place in roles.features:
        warnings += profile.warnings(facts[place], masked=facts[place].name in spec.mask)
    warnings += [
        f"column {name!r} is not used: {reason}"
        for name, reason in roles.reasons.items()
        if name not in spec.ignore and not reason.startswith("model.yaml")
    ]
    return warnings


def _profile(
    names: Sequence[str], facts: Sequence[Facts], target: int, roles: _Roles, spec: Spec
) -> list[ColumnProfile]:
    described = []
    for place, column in enumerate(facts):
        role = "target" if place == target else "dropped" if names[place] in roles.reasons else "feature"
        reason = roles.reasons.get(names[place])
        described.append(profile.describe(column, role, reason, masked=names[place] in spec.mask))
    return described
