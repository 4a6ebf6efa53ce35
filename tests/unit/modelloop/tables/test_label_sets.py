"""Sets of labels as people send them back, each read as the target was read."""

from __future__ import annotations

import pytest

from modelloop.tables.grammar import MISSING_TOKENS
from modelloop.tables.labels import NEW_CLASS, READ, UNREADABLE, LabelReader, ReadLabel
from tests.support.corpus.label_sets import SETS, LabelSet


@pytest.mark.parametrize("labels", SETS, ids=lambda labels: labels.name)
def test_labels_are_read_as_the_target_was(labels: LabelSet) -> None:
    reader = LabelReader(labels.classes, MISSING_TOKENS)

    expected = [(label, ReadLabel(READ, value)) for label, value in labels.read]
    expected += [(label, ReadLabel(NEW_CLASS, value)) for label, value in labels.new]
    expected += [(label, ReadLabel(UNREADABLE, None)) for label in labels.unreadable]

    assert [(repr(label), reader.read(label)) for label, _ in expected] == [
        (repr(label), wanted) for label, wanted in expected
    ]


def test_a_class_that_was_read_is_the_version_s_own() -> None:
    for labels in SETS:
        reader = LabelReader(labels.classes, MISSING_TOKENS)
        for label, _ in labels.read:
            value = reader.read(label).value
            own = (float,) if labels.classes is None else tuple({type(one) for one in labels.classes})
            assert type(value) in own, label


def test_there_are_many_sets_and_each_is_named_once() -> None:
    assert len({labels.name for labels in SETS}) == len(SETS) >= 60
