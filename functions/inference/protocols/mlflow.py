"""MLflow's scoring protocol: four JSON forms and CSV in, `predictions` out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from inference.protocols.exchange import (
    MAX_VALUES,
    PREDICT,
    PROBA,
    Answer,
    Explanation,
    Query,
    Reply,
    check_rows,
    options,
    parse_object,
    refuse_misplaced,
)
from modelloop.errors import InvalidValueError, MalformedBodyError, TooLargeError
from modelloop.tables.encoding import missing_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from modelloop.json_types import JsonValue
    from modelloop.tables.encoding import Column

    type _Cells = tuple[int, Mapping[str, Sequence[object]]]
    type _Record = Mapping[str, JsonValue]

_OPTIONS = frozenset({"explain", "interval", "predict_method"})


def parse(body: bytes, columns: Sequence[Column]) -> Query:
    """Read an invocations request in JSON. Raises MalformedBodyError (400) or InvalidValueError (422)."""
    document = parse_object(body)
    refuse_misplaced(document, _OPTIONS, "params")
    forms = [form for form in _FORMS if form in document]
    if len(forms) != 1:
        raise MalformedBodyError(f"the request needs exactly one of {', '.join(_FORMS)}")
    rows, cells = _FORMS[forms[0]](document[forms[0]], columns, forms[0])
    parameters = document.get("params")
    explain, interval = options(parameters, "params")
    _refuse_other_names(document)
    return Query(rows, cells, outputs=_method(parameters), explain=explain, interval=interval)


def _refuse_other_names(document: Mapping[str, JsonValue]) -> None:
    """Refuse options under the name that they have in the other protocol; other fields of a body mean nothing here."""
    parameters = document.get("parameters")
    if isinstance(parameters, dict):
        refuse_misplaced(parameters, _OPTIONS, "params, as parameters is called here")


def _method(parameters: JsonValue) -> tuple[str, ...]:
    method = parameters.get("predict_method", PREDICT) if isinstance(parameters, dict) else PREDICT
    if method not in (PREDICT, PROBA):
        raise InvalidValueError(
            f"predict_method is {PREDICT!r} or, for classifiers, {PROBA!r}", field="params.predict_method"
        )
    return (method,)


def _split(form: object, columns: Sequence[Column], name: str) -> _Cells:
    del columns
    if not isinstance(form, dict):
        raise MalformedBodyError(f"{name} must be an object with columns and data", field=name)
    refuse_misplaced(form, _OPTIONS, f"params, beside {name}")
    names, data = form.get("columns"), form.get("data")
    if not isinstance(names, list) or not all(isinstance(column, str) for column in names):
        raise MalformedBodyError(f"{name}.columns must be a list of names", field=f"{name}.columns")
    named = [column for column in names if column.strip()]  # columns without a name are none of the model's
    if len(set(named)) != len(named):
        raise MalformedBodyError(f"{name}.columns names a column twice", field=f"{name}.columns")
    return _positional(data, names, f"{name}.data")


def _positional(data: object, names: Sequence[str], where: str) -> _Cells:
    if not isinstance(data, list):
        raise MalformedBodyError(f"{where} must be a list of rows", field=where)
    rows = check_rows(len(data))
    for row, cells in enumerate(data):
        if not isinstance(cells, list) or len(cells) != len(names):
            raise MalformedBodyError(f"{where}: row {row} must be a list of {len(names)} values", field=where, row=row)
    return rows, dict(zip(names, zip(*data, strict=True), strict=True))


def _records(form: object, columns: Sequence[Column], name: str) -> _Cells:
    if not isinstance(form, list):
        raise MalformedBodyError(f"{name} must be a list of objects", field=name)
    rows = check_rows(len(form))
    for row, record in enumerate(form):
        if not isinstance(record, dict):
            raise MalformedBodyError(f"{name}: row {row} must be an object", field=name, row=row)
    if not all(column.name in record for record in form for column in columns):
        return rows, _incomplete(_with_known_names(form, columns), columns)
    _check_values(rows, len(columns))
    return rows, {column.name: [record[column.name] for record in form] for column in columns}


def _incomplete(form: Sequence[_Record], columns: Sequence[Column]) -> Mapping[str, Sequence[object]]:
    """Return the cells of records that lack columns; raise InvalidValueError when these are required."""
    sent = dict.fromkeys(key for record in form for key in record)  # each name once: a model may have many columns
    present = [column for column in columns if column.name in sent]
    if len(present) < len(columns) and any(column.required and column.name not in sent for column in columns):
        raise missing_columns(columns, sent)
    _check_values(len(form), len(present))
    return {column.name: _pluck(form, column, columns) for column in present}


def _check_values(rows: int, columns: int) -> None:
    if rows * columns > MAX_VALUES:
        raise TooLargeError(f"{rows} rows of {columns} columns are more than {MAX_VALUES} values: send fewer rows")


def _with_known_names(records: Sequence[_Record], columns: Sequence[Column]) -> Sequence[_Record]:
    """Return the records under the model's names where theirs differ in spelling only."""
    known = {column.name for column in columns}
    unknown = {name for record in records for name in record}.difference(known)
    if not unknown:
        return records
    from modelloop.tables.names import spellings_of  # noqa: PLC0415  most requests spell names as the model does

    spellings = spellings_of(unknown, known)
    return [_respelled(record, spellings) for record in records] if spellings else records


def _respelled(record: _Record, spellings: Mapping[str, str]) -> _Record:
    """Return a record under the model's names; a name that is there exactly keeps its cell."""
    cells: dict[str, JsonValue] = {}
    for name, cell in record.items():
        column = spellings.get(name, name)
        if column in record:
            column = name
        elif column in cells:
            raise InvalidValueError(f"column {column!r} is there twice, in two spellings", field=column)
        cells[column] = cell
    return cells


def _pluck(records: Sequence[_Record], column: Column, columns: Sequence[Column]) -> list[object]:
    if column.required:
        for row, record in enumerate(records):
            if column.name not in record:
                raise missing_columns(columns, record, row=row)
    return [record.get(column.name) for record in records]


def _instances(form: object, columns: Sequence[Column], name: str) -> _Cells:
    if isinstance(form, list) and form and isinstance(form[0], dict):
        return _records(form, columns, name)
    if isinstance(form, list) and len(columns) == 1 and not any(isinstance(cell, list) for cell in form):
        return check_rows(len(form)), {columns[0].name: form}
    return _positional(form, [column.name for column in columns], name)


def _inputs(form: object, columns: Sequence[Column], name: str) -> _Cells:
    if not isinstance(form, dict):
        return _instances(form, columns, name)
    rows = -1
    for column, cells in form.items():
        if not isinstance(cells, list):
            raise MalformedBodyError(f"{name}.{column} must be a list, one value a row", field=column)
        if rows not in (-1, len(cells)):
            raise MalformedBodyError(f"{name}.{column} has {len(cells)} values for {rows} rows", field=column)
        rows = len(cells)
    return check_rows(max(rows, 0)), form


_FORMS: dict[str, Callable[[object, Sequence[Column], str], _Cells]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}


def render(answer: Answer, query: Query) -> Reply:
    """Write the answer: labels, numbers or probabilities as `predictions`, and what else was asked."""
    document: dict[str, JsonValue] = {"predictions": answer.predict, "prediction_id": answer.prediction_id}
    if PROBA in query.outputs:
        document["predictions"] = answer.proba
    if answer.classes is not None:
        document["classes"] = answer.classes
    if answer.unseen is not None:
        document["parameters"] = {"unseen": answer.unseen}
    if answer.intervals is not None:
        document["intervals"] = answer.intervals
    if answer.explanations is not None:
        document["explanations"] = [_explanation(row) for row in answer.explanations]
    return Reply(orjson.dumps(document))


def _explanation(row: Explanation) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = {
        "base": row.base, "class": row.label, "link": row.link, "contributions": row.columns,
    }  # fmt: skip
    return document if row.method is None else {"method": row.method, **document}
