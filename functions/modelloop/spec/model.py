"""The spec, model.yaml: what a person may ask of a model; every key is optional, and unknown keys are refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from modelloop.errors import SpecError
from modelloop.spec import checks
from modelloop.spec import fields as spec_fields
from modelloop.spec.sections import (
    Monitoring,
    Promotion,
    Retraining,
    Search,
    section_from_json,
    section_to_json,
)
from modelloop.tables.grammar import MISSING_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelloop.json_types import JsonValue
    from modelloop.spec.fields import Parameter

FORMAT_VERSION = 1
MAX_CHARACTERS = 64 * 1024
MAX_BYTES = 4 * MAX_CHARACTERS  # of text as UTF-8: what is larger is longer too


@dataclass(frozen=True, slots=True)
class Spec:
    """What was asked, with defaults filled in.

    `lines` has the line of each key, `listed_missing` what is listed under `missing` (None when the key is not given):
    neither is a part of the digest or stored.
    """

    target: str | None = None
    task: str | None = None
    features: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    time_column: str | None = None
    group_column: str | None = None
    estimators: tuple[str, ...] = ()
    params: Mapping[str, Mapping[str, Parameter]] = field(default_factory=dict)
    search: Search = field(default_factory=Search)
    metric: str | None = None
    holdout: float = 0.2
    threshold: float | None = None
    rare_classes: str = "refuse"
    promotion: Promotion = field(default_factory=Promotion)
    monitoring: Monitoring = field(default_factory=Monitoring)
    retrain: Retraining = field(default_factory=Retraining)
    watch: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    missing: tuple[str, ...] = tuple(sorted(MISSING_TOKENS))
    columns: dict[str, str | list[str]] = field(default_factory=dict)
    classes: tuple[str | int | float | bool, ...] = ()
    outputs: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict, compare=False, repr=False)
    listed_missing: tuple[str, ...] | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document that runs and manifests carry."""
        document: dict[str, JsonValue] = {"format_version": FORMAT_VERSION}
        for key in _KEYS:
            value = getattr(self, key)
            document[key] = list(value) if isinstance(value, tuple) else value
        if not self.watch:
            del document["watch"]  # specs of earlier releases do not have it
        return document | {key: section_to_json(getattr(self, key)) for key in _SECTIONS}

    @property
    def digest(self) -> str:
        """Return the hex SHA-256 of what was asked: comments, order and spelled-out defaults do not change it."""
        return sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    @property
    def families(self) -> tuple[str, ...]:
        """Return the names of the families to try."""
        return self.estimators or spec_fields.DEFAULT_FAMILIES

    def check_task(self, task: str, classes: int) -> None:
        """Raise SpecError for what does not fit the task that was found; `classes` is 0 for regression."""
        checks.check_task(self, task, classes)

    def refuse(self, key: str, message: str) -> SpecError:
        """Return the error that points at a key's line in model.yaml, or at its absence."""
        return _error(message, self.lines.get(key), key)


_SECTIONS = {"search": Search, "promotion": Promotion, "monitoring": Monitoring, "retrain": Retraining}
_KEYS = tuple(entry.name for entry in fields(Spec) if entry.name not in {"lines", "listed_missing"})


def spec_from_json(document: dict[str, Any]) -> Spec:
    """Return a stored spec; raise SpecError for a format that this release does not read."""
    if document.get("format_version") != FORMAT_VERSION:
        raise SpecError(
            f"the spec has format version {document.get('format_version')!r}, and version {FORMAT_VERSION} can be read"
        )
    values: dict[str, Any] = {key: document[key] for key in _KEYS if key in document}
    values |= {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    values |= {key: section_from_json(kind, values.get(key)) for key, kind in _SECTIONS.items()}
    return Spec(**values)


def parse_spec(text: str) -> Spec:
    """Return the spec of a model.yaml; raise SpecError with the line for anything that cannot be followed."""
    if len(text) > MAX_CHARACTERS:
        raise too_long()
    lines: dict[str, int] = {}
    values = dict(_values(text, lines))
    values |= {key: section_from_json(kind, values.get(key)) for key, kind in _SECTIONS.items()}
    if "missing" in values:
        values |= {"missing": values["missing"].tokens, "listed_missing": values["missing"].listed}
    spec = Spec(**values, lines=lines)
    checks.check_combinations(spec)
    return spec


def too_long() -> SpecError:
    """Return the error of a model.yaml with more than MAX_CHARACTERS characters."""
    return SpecError(f"model.yaml is longer than {MAX_CHARACTERS} characters")


def _values(text: str, lines: dict[str, int]) -> Iterator[tuple[str, Any]]:
    import yaml  # noqa: PLC0415  only intake reads YAML; readers of stored specs do not pay for it

    from modelloop.spec.plain_yaml import PlainYamlError, plain_loader  # noqa: PLC0415  it needs YAML

    try:
        loader = plain_loader(text)
        node = loader.get_single_node()
        if node is not None:
            yield from _section(loader, node, spec_fields.SCHEMA, "", lines)
    except PlainYamlError as error:
        raise _error(str(error.problem), error.problem_mark.line + 1) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _error(f"model.yaml is not YAML: {error.problem}", mark.line + 1 if mark else None) from error
    except yaml.YAMLError as error:
        raise SpecError(f"model.yaml is not YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise SpecError("model.yaml is nested too deeply") from error


def _section(
    loader: Any, node: Any, schema: spec_fields.Schema, prefix: str, lines: dict[str, int]
) -> Iterator[tuple[str, Any]]:
    """Yield every key of a mapping with its value, and write the line of each to `lines`."""
    if node.id != "mapping":
        what = f"`{prefix[:-1]}`" if prefix else "model.yaml"
        raise _error(f"{what} must be a mapping of keys to values", _line(node))
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node.value, str) else "?"
        path, reader = prefix + key, schema.get(key)
        if reader is None:
            raise _error(f"unknown key `{path}`{_known(key, schema)}", _line(key_node), path)
        if path in lines:
            raise _error(f"`{path}` is given twice", _line(key_node), path)
        lines[path] = _line(key_node)
        lines |= _inner_lines(value_node, path) if key == "params" else {}
        if isinstance(reader, dict):
            yield key, dict(_section(loader, value_node, reader, f"{path}.", lines))
        else:
            yield key, _value(loader, value_node, reader, path)


def _inner_lines(node: Any, prefix: str) -> dict[str, int]:
    """Return the line of each key of a mapping, and of the mappings in it."""
    lines: dict[str, int] = {}
    for key, value in node.value if node.id == "mapping" else ():
        path = f"{prefix}.{key.value}"
        lines |= {path: _line(key), **_inner_lines(value, path)}
    return lines


def _value(loader: Any, node: Any, reader: spec_fields.Reader, path: str) -> Any:
    try:
        if path == "classes":
            spec_fields.check_switches(node)
        value = loader.construct_object(node, deep=True)
        read = reader(value)
        spec_fields.check_numbers(value)
    except spec_fields.UnfitValueError as error:
        raise _error(f"`{path}` must be {error}", _line(node), path) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise _error(f"`{path}` cannot be read: {error}", _line(node), path) from error
    return read


def _known(key: str, schema: spec_fields.Schema) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  needed only for a mistake

    near = get_close_matches(key.lower(), schema, n=1)
    return (f", did you mean `{near[0]}`?" if near else ";") + f" the keys are {', '.join(schema)}"


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _error(message: str, line: int | None, key: str | None = None) -> SpecError:
    where = f"model.yaml line {line}: " if line and not message.startswith("model.yaml") else ""
    suffix = f" (line {line})" if line and not where else ""
    return SpecError(f"{where}{message}{suffix}", field=key, row=line)
