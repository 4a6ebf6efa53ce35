from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.monitoring import windows
from modelloop.monitoring.summary import Summary, SummaryKey

if TYPE_CHECKING:
    from modelloop.contracts.counts import Counts

NOW = "2026-11-23T12:10:00Z"


def hours(*rows: tuple[str, int]) -> list[tuple[str, Counts]]:
    return [(hour, {"sampled": amount}) for hour, amount in rows]


def test_hours_merge_backwards_until_there_are_rows_enough() -> None:
    found = windows.backwards(
        hours(("2026-11-23T12", 200), ("2026-11-23T10", 300), ("2026-11-22T10", 400), ("2026-11-22T09", 200)), NOW, 500
    )
    assert [(one.start, one.end, one.rows) for one in found] == [
        ("2026-11-23T10", "2026-11-23T12", 500),
        ("2026-11-22T09", "2026-11-23T09", 600),
    ]


def test_no_more_hours_are_read_than_needed() -> None:
    def endless() -> object:
        yield from hours(("2026-11-23T12", 500), ("2026-11-23T11", 500))
        raise AssertionError("read too far")

    assert len(windows.backwards(endless(), NOW, 500)) == 2  # type: ignore[arg-type]


def test_a_window_spans_at_most_seven_days() -> None:
    found = windows.backwards(hours(("2026-11-23T12", 10), ("2026-11-16T13", 10), ("2026-11-16T12", 990)), NOW, 500)
    assert [(one.start, one.rows) for one in found] == [("2026-11-16T13", 20)]


def test_hours_after_now_wait() -> None:
    assert windows.backwards(hours(("2026-11-23T13", 900)), NOW, 500) == []


def test_windows_meet_at_year_and_leap_day_edges() -> None:
    assert windows.shift("2027-01-01T00", -1) == "2026-12-31T23"
    assert windows.shift("2028-02-28T23", 1) == "2028-02-29T00"
    assert windows.span("2026-12-31T23", "2027-01-01T00") == 2


def test_totals_by_version_and_variant() -> None:
    summaries = [
        Summary(
            SummaryKey("m", "2026-11-23T10", 1, "champion"),
            {"requests": 2, "rows": 3, "columns": {"x": {"counts": [1]}}},
        ),
        Summary(
            SummaryKey("m", "2026-11-23T10", 2, "challenger"), {"requests": 1, "columns": {"x": {"counts": [1, 2]}}}
        ),
        Summary(SummaryKey("m", "2026-11-23T11", 2, "shadow"), {"requests": 1, "rows": 1, "errors": {"Y": 2}}),
        Summary(SummaryKey("m", "2026-11-23T11", 0, "none"), {"errors": {"X": 4}}),
    ]
    found: Any = windows.by_version(summaries)

    assert (found["predictions"], found["rows"], found["errors"]) == (3, 3, 4)
    assert [(one["version"], one["predictions"]) for one in found["versions"]] == [(None, 0), (1, 2), (2, 1)]
    assert set(found["versions"][2]["variants"]) == {"challenger", "shadow"}


def test_lines_that_were_put_aside_are_told_by_reason_and_make_no_version() -> None:
    key = SummaryKey("m", "2026-11-23T10", 0, "none")
    summaries = [
        Summary(key, {"quarantined": {"not_json": 2}}),
        Summary(key._replace(hour="2026-11-23T11"), {"quarantined": {"malformed": 1, "not_json": 1}}),
        Summary(SummaryKey("m", "2026-11-23T11", 1, "champion"), {"requests": 1}),
    ]
    found: Any = windows.by_version(summaries)

    assert found["quarantined"] == {"malformed": 1, "not_json": 3}
    assert [one["version"] for one in found["versions"]] == [1]
    assert [str(one["from"])[:13] for one in windows.series(summaries)] == ["2026-11-23T11"]


def test_what_no_caller_got_stands_apart() -> None:
    told: Counts = {"requests": 1, "rows": 1, "errors": {"Y": 2}, "latency": {"warm": {"counts": [1], "micros": 9}}}
    found: Any = windows.by_version([Summary(SummaryKey("m", "2026-11-23T11", 2, "shadow"), told)])

    version = found["versions"][0]
    for empty in (found, version):
        assert (empty["requests"], empty["rows"], empty["errors"], empty["latency_ms"]["mean"]) == (0, 0, 0, None)
    assert found["shadow"] == version["variants"]["shadow"]
    assert (found["shadow"]["predictions"], found["shadow"]["errors_by_code"]) == (1, {"Y": 2})


def test_a_series_has_what_callers_got_hour_by_hour() -> None:
    first, second = "2026-11-23T10", "2026-11-23T12"
    summaries = [
        Summary(SummaryKey("m", first, 1, "champion"), {"requests": 2, "rows": 3}),
        Summary(SummaryKey("m", first, 2, "challenger"), {"requests": 1, "rows": 1, "errors": {"X": 1}}),
        Summary(SummaryKey("m", first, 3, "shadow"), {"requests": 2, "rows": 3}),
        Summary(SummaryKey("m", second, 3, "shadow"), {"requests": 2, "rows": 3}),
    ]

    assert windows.series(summaries) == [{"from": f"{first}:00:00.000Z", "requests": 4, "rows": 4, "errors": 1}]


def test_hours_of_one_place_in_several_objects_merge() -> None:
    key = SummaryKey("m", "2026-11-23T10", 1, "champion")
    found = windows.by_hour([Summary(key, {"rows": 1, "sampled": 1}), Summary(key, {"rows": 2, "sampled": 2})])
    assert list(found) == [("2026-11-23T10", {"rows": 3, "sampled": 3, "clock": {"2026-11-23T10": 3}})]
