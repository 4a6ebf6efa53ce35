from __future__ import annotations

import numpy as np

from trainer.rows import ANCHOR_ROWS, Part, pack_anchor, unpack_anchor


def test_the_anchor_is_a_capped_even_sample_of_the_holdout_with_its_times() -> None:
    rows = 25_000
    numbers = np.arange(rows, dtype=np.float32)
    holdout = Part(numbers[:, None], numbers.astype(float) * 2, numbers.astype(float) + 0.5)
    kept = unpack_anchor(pack_anchor(holdout, 7))
    assert kept.times is not None
    assert kept.rows == ANCHOR_ROWS == 20_000
    places = kept.matrix[:, 0].astype(int)
    assert len(set(places)) == kept.rows
    assert abs(places.mean() - rows / 2) < 200
    np.testing.assert_array_equal(kept.target, places * 2.0)
    np.testing.assert_array_equal(kept.times, places + 0.5)
    assert pack_anchor(holdout, 7) == pack_anchor(holdout, 7)


def test_a_small_holdout_is_its_own_anchor() -> None:
    holdout = Part(np.ones((300, 2), np.float32), np.zeros(300))
    kept = unpack_anchor(pack_anchor(holdout, 1))
    assert (kept.rows, kept.times) == (300, None)
