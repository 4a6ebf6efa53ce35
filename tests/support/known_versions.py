"""A version that generated captures are counted with."""

from __future__ import annotations

from hypothesis import strategies as st

from metrics_aggregation.watched import Watched
from tests.support.capture_world import MODEL, manifest

MANIFEST = manifest(rows=200)
FLOATS = st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(-5, 5))
ROWS = st.tuples(
    FLOATS,
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "2026-02-01", "2027-01-01"]),
    st.sampled_from([None, "Biscoe", "Dream", "Torgersen"]),
)


class Known:
    def __init__(self) -> None:
        self._watched = Watched(MANIFEST)

    def version(self, model: str, run_id: str) -> Watched | None:
        return self._watched if run_id == MANIFEST.run_id and model == MODEL else None

    def model(self, model: str) -> bool:
        return model == MODEL
