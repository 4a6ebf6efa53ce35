"""Rows of the table whose model is rolled out on the embedded stack."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from sklearn.datasets import load_digits

if TYPE_CHECKING:
    pass


def rows() -> list[dict[str, Any]]:
    """Return 1,797 handwritten digits, numbered as if in the order of writing, and whether each is five or more."""
    digits = load_digits()
    found = [
        {f"p{place}": int(value) for place, value in enumerate(image) if 2 <= place % 8 <= 5}
        | {"high": "yes" if digit >= 5 else "no"}
        for image, digit in zip(digits.data, digits.target, strict=True)
    ]
    random.Random(1).shuffle(found)
    return [{"written": place} | row for place, row in enumerate(found)]
