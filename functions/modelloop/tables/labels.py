"""The one grammar of labels: what came back for a prediction is read as the target was read.

A label is the class that it names exactly, or else the one class of the same value: `True`, `TRUE` and JSON `true` are
one, and so are `1`, `1.0` and `"1"`. Numbers follow the grammar of cells, so `01` has no value and stays a text of its
own. Where several classes have the value, the label is unreadable: nobody can tell which one was meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from modelloop.errors import InvalidValueError
from modelloop.tables import grammar
from modelloop.tables.grammar import label_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Label: TypeAlias = "str | int | float | bool"

READ, NEW_CLASS, UNREADABLE = "read", "new_class", "unreadable"
MAX_LABEL = 1_000  # characters
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_BINARY = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_BOOLEAN, _NUMBER = "boolean", "number"


class ReadLabel(NamedTuple):
    """A label after reading: `outcome` is read, new_class or unreadable.

    `value` is the class or the number that was read, the text of a new class, None when the label is unreadable.
    """

    outcome: str
    value: Label | None


_NOTHING = ReadLabel(UNREADABLE, None)


class LabelReader:
    """Reads the labels of one version: `classes` are its own, None for regression; `missing` means no label."""

    def __init__(self, classes: Sequence[Label] | None, missing: Iterable[str]) -> None:
        self.classes = None if classes is None else tuple(label_text(label) for label in classes)  # their texts
        self._missing = frozenset(missing)
        self._exact: dict[str, Label] = {label_text(label): label for label in classes or ()}
        self._by_value = _by_value(classes or ())
        self._has_texts = any(isinstance(label, str) for label in classes or ())

    def read(self, raw: object) -> ReadLabel:
        """Return what a label says; never raises."""
        return self._read_number(raw) if self.classes is None else self._read_class(raw)

    def _read_number(self, raw: object) -> ReadLabel:
        try:
            number = grammar.read_number(raw, self._missing)
        except InvalidValueError:
            return _NOTHING
        return _NOTHING if number is None else ReadLabel(READ, number)

    def _read_class(self, raw: object) -> ReadLabel:
        text = label_text(raw) if isinstance(raw, str | int | float) else ""
        if (own := self._exact.get(text)) is not None:
            return ReadLabel(READ, own)
        if not text or text in self._missing or (isinstance(raw, float) and grammar.exceeds_64_bits(raw)):
            return _NOTHING
        value = _value(raw if isinstance(raw, bool | int | float) else text)
        same = self._by_value.get(value, ())
        if len(same) == 1:
            return ReadLabel(READ, same[0])
        if value is not None and not self._has_texts:
            text = label_text(value[1])  # a new number is one class, however it is spelt
        return _NOTHING if same else ReadLabel(NEW_CLASS, text)


def fault(label: object) -> str | None:
    """Return why a value can be nobody's label, in words that end a sentence about it; None when it can be one."""
    if not isinstance(label, str):
        return None if isinstance(label, int | float) else "must be text, a number, true or false"
    if not 0 < len(label) <= MAX_LABEL:
        return f"must be text of 1 to {MAX_LABEL:,} characters, a number, true or false"
    if _CONTROLS.search(label.strip()):
        return "must not hold control characters"
    if not label.isascii() and grammar.has_long_run(label):
        return f"must not hold more than {grammar.MAX_MARKS} combining marks in a row"
    return None


def holds_controls(text: str) -> bool:
    """Return whether a text holds characters that no text table holds: ASCII's control characters but white space."""
    return _BINARY.search(text) is not None


def _by_value(classes: Sequence[Label]) -> dict[tuple[str, object] | None, list[Label]]:
    """Return the classes by their value; where they are the two truth values, 0 and 1 stand for them, and back."""
    found: dict[tuple[str, object] | None, list[Label]] = {}
    for label in classes:
        if (value := _value(label)) is not None:
            found.setdefault(value, []).append(label)
    if len(classes) == 2 and not any(isinstance(label, str) for label in classes):  # noqa: PLR2004  true and false
        other = {_NUMBER: _BOOLEAN, _BOOLEAN: _NUMBER}
        if {value[1] for value in found if value} == {0, 1}:
            found |= {(other[value[0]], value[1]): own for value, own in list(found.items()) if value}
    return found


def _value(label: object) -> tuple[str, object] | None:
    """Return what a label is worth, with its kind: true is not 1; None for text that is neither number nor boolean."""
    if isinstance(label, bool):
        return _BOOLEAN, label
    if isinstance(label, int | float):
        return _NUMBER, label
    text = label if isinstance(label, str) else ""
    if (truth := grammar.BOOLEAN.get(text.lower())) is not None:
        return _BOOLEAN, truth
    if len(text) > grammar.MAX_NUMBER or not grammar.NUMBER.fullmatch(text):
        return None
    if text.lstrip("-").isdecimal():
        return _NUMBER, int(text)  # exact, however many digits it has
    number = float(text)
    return None if number in {float("inf"), float("-inf")} else (_NUMBER, number)
