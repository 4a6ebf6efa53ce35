from __future__ import annotations

import numpy as np
import pytest

from modelloop.tables.encoding import Column, Encoding
from training_trigger import leaks

ENCODING = Encoding([Column("a", "number"), Column("b", "number")])


@pytest.mark.parametrize(("wrong", "suspected"), [(0, True), (4, True), (6, False), (100, False)])
def test_a_column_that_tells_the_class_of_995_rows_in_a_thousand_is_suspected(wrong: int, suspected: bool) -> None:
    target = np.arange(1000) % 2
    answer = np.where(np.arange(1000) < wrong, 1 - target, target)
    matrix = np.column_stack([answer, np.zeros(1000)]).astype(np.float32)
    wanted = [("a", 1 - wrong / 1000)] if suspected else []
    assert leaks.suspects(ENCODING, matrix, target, 2) == wanted


@pytest.mark.parametrize(("noise", "suspected"), [(0.0, True), (0.02, True), (0.05, False)])
def test_a_column_that_explains_999_thousandths_of_the_variance_is_suspected(noise: float, suspected: bool) -> None:
    generator = np.random.default_rng(1)
    answer = np.arange(1000) % 50
    target = answer + noise * answer.std() * generator.standard_normal(1000)
    matrix = np.column_stack([np.zeros(1000), answer]).astype(np.float32)
    assert [name for name, _ in leaks.suspects(ENCODING, matrix, target, 0)] == ["b"] * suspected
