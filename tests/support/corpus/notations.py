"""Ways to write one cell: missing values, numbers, booleans and days. Each is read, or named so that it is mended."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from tests.support.corpus.spellings import NO_DAY, NO_SIZE, PEOPLE, TEXT_SIZE, cells, gaps
from tests.support.corpus.tables import KINDS, Table, by_csv, table, written

AT_MINUTES = [row | {"day": datetime.combine(row["day"], time(at % 24, at % 60), UTC)} for at, row in enumerate(PEOPLE)]


def _sizes(name: str, form: str, **facts: Any) -> Table:
    text = written(PEOPLE, say=cells(size=form.format), delimiter=";")
    return table(name, "numbers", text, by_csv(delimiter=";"), **facts)


def _grouped(name: str, mark: str, point: str = ".", around: str = "{}") -> Table:
    """Return a table of thousands with a mark of groups and a decimal mark."""

    def say(value: float) -> str:
        text = f"{value * 100:,.2f}".replace(",", "§").replace(".", point).replace("§", mark)
        return around.format(text)

    return table(
        name, "numbers", written(PEOPLE, say=cells(size=say), delimiter=";"), by_csv(delimiter=";"), **NO_SIZE,
        warns="column 'size' is not used: it holds",
    )  # fmt: skip


def _days(name: str, form: str, **facts: Any) -> Table:
    return table(name, "days", written(PEOPLE, say=cells(day=lambda day: day.strftime(form))), **facts)


def _times(name: str, form: str, **facts: Any) -> Table:
    return table(name, "days", written(AT_MINUTES, say=cells(day=lambda day: day.strftime(form))), by_csv(), **facts)


def _members(name: str, yes: str, no: str, kind: str) -> Table:
    text = written(PEOPLE, say=cells(member=lambda value: yes if value else no))
    return table(name, "booleans", text, kinds=KINDS | {"member": kind})


def _ledger(value: float) -> str:
    return f"({value:.2f})" if value > 500 else f"{value:.2f}"


READ = [
    "",
    "null",
    "NULL",
    "NA",
    "N/A",
    "n/a",
    "NaN",
    "nan",
    "None",
    "#N/A",
    "<NA>",
    "NaT",
    "#DIV/0!",
    "#VALUE!",
    "\\N",
]
NAMED = ["-", "?", ".", "missing", "unknown", "999 kg"]

MISSING = [
    *(table(f"a gap written as {token or 'nothing'}", "missing values", gaps(token), by_csv()) for token in READ),
    *(
        table(
            f"a gap written as {token}", "missing values", gaps(token), by_csv(), **TEXT_SIZE, warns=f"{token!r} (18)"
        )
        for token in NAMED
    ),
    table(
        "a list adds to the defaults", "missing values", gaps("-").replace("Lyon", "NULL"), by_csv(),
        spec='missing: ["-"]\n', ours=("-",),
    ),
    table(
        "only a list replaces the defaults", "missing values", gaps("-").replace("Lyon", "NA"), by_csv(),
        spec='missing: {only: ["-"]}\n', ours=("-",), theirs=("NA",),
    ),
    table(
        "no label, written as NULL", "missing values",
        written([row | {"y": "NULL" if at % 10 == 0 else row["y"]} for at, row in enumerate(PEOPLE)]), by_csv(),
        rows=108, warns="12 rows have no label",
    ),
    table(
        "no label, written as #N/A", "missing values",
        written([row | {"y": "#N/A" if at % 10 == 0 else row["y"]} for at, row in enumerate(PEOPLE)]), by_csv(),
        rows=108, warns="12 rows have no label",
    ),
]  # fmt: skip

NUMBERS = [
    _sizes("a decimal point", "{:.2f}"),
    _sizes("an exponent", "{:.4E}"),
    _sizes("negative numbers", "-{:.2f}"),
    _sizes("whole numbers", "{:.0f}", warns=""),
    _sizes("spaces around", "  {:.2f} "),
    _sizes("a no-break space after", "{:.2f}\u00a0"),
    _sizes("a plus sign", "+{:.2f}", **NO_SIZE, warns="plus signs"),
    _sizes("a percent sign", "{:.2f}%", **NO_SIZE, warns="percent signs"),
    _sizes("a percent sign after a space", "{:.2f} %", **NO_SIZE, warns="percent signs"),
    _sizes("a dollar sign", "${:.2f}", **NO_SIZE, warns="currency signs"),
    _sizes("a euro sign after a no-break space", "{:.2f}\u00a0€", **NO_SIZE, warns="currency signs"),
    _sizes("a currency's code", "EUR {:.2f}", **NO_SIZE, warns="currency signs"),
    _sizes("k for thousand", "{:.1f}k", **NO_SIZE, warns="column 'size' is not used: it holds"),
    _grouped("thousands with commas", ","),
    _grouped("thousands with points, decimals with a comma", ".", ","),
    _grouped("thousands with spaces, decimals with a comma", " ", ","),
    _grouped("thousands with no-break spaces", "\u00a0", ","),
    _grouped("thousands with thin spaces", "\u202f", ","),
    _grouped("thousands with apostrophes", "'"),
    _grouped("thousands with typographic apostrophes", "\u2019"),
    table(
        "parentheses for negative numbers", "numbers", written(PEOPLE, say=cells(size=_ledger)), by_csv(), **NO_SIZE,
        warns="column 'size' is not used: it holds",
    ),
    table(
        "codes with leading zeros", "numbers",
        written([row | {"city": f"0{1000 + at % 4}"} for at, row in enumerate(PEOPLE)]), by_csv(),
    ),
    table(
        "whole numbers of 64 bits", "numbers",
        written([row | {"count": 9007199254740992 + at % 3} for at, row in enumerate(PEOPLE)]), by_csv(),
        kinds=KINDS | {"count": "text"},
    ),
]  # fmt: skip

BOOLEANS = [
    _members("true and false", "true", "false", "boolean"),
    _members("TRUE and FALSE", "TRUE", "FALSE", "boolean"),
    _members("True and False", "True", "False", "boolean"),
    _members("1 and 0", "1", "0", "number"),
    _members("yes and no", "yes", "no", "text"),
    _members("Y and N", "Y", "N", "text"),
    _members("t and f", "t", "f", "text"),
    _members("oui and non", "oui", "non", "text"),
    table(
        "nearly boolean", "booleans",
        written([row | {"member": "?" if at in {3, 50} else row["member"]} for at, row in enumerate(PEOPLE)]),
        by_csv(), kinds=KINDS | {"member": "text"}, warns="column 'member' was read as text: 2 of 120 values",
    ),
]  # fmt: skip

DAYS = [
    _days("an ISO date", "%Y-%m-%d"),
    _times("an ISO time with T and Z", "%Y-%m-%dT%H:%M:%SZ"),
    _times("an ISO time without seconds", "%Y-%m-%d %H:%M"),
    _times("an ISO time with an offset", "%Y-%m-%dT%H:%M:%S-05:00"),
    _times("an offset without a colon", "%Y-%m-%dT%H:%M:%S+0530"),
    _times("an offset of hours, as Postgres writes it", "%Y-%m-%d %H:%M:%S+00"),
    _times("a name of the zone, as BigQuery writes it", "%Y-%m-%d %H:%M:%S UTC"),
    _times("nanoseconds", "%Y-%m-%dT%H:%M:%S.123456789Z"),
    _days("one digit for small numbers", "%Y-%-m-%-d", **NO_DAY, warns="column 'day' is not used: it holds dates"),
    _days("day, month's name, year", "%d-%b-%Y", **NO_DAY, warns="column 'day' is not used: it holds dates"),
    _days("month's name first", "%b %d, %Y", **NO_DAY, warns="column 'day' is not used: it holds dates"),
    _days("points", "%d.%m.%Y", **NO_DAY, warns="column 'day' is not used: it holds dates"),
    _days("slashes", "%m/%d/%Y", **NO_DAY, warns="column 'day' is not used: it holds dates"),
    _days("slashes, two digits for the year", "%m/%d/%y", **NO_DAY, warns="column 'day' is not used: it holds dates"),
    _days("digits alone", "%Y%m%d", kinds=KINDS | {"day": "number"}),
    _times("seconds since 1970", "%s", kinds=KINDS | {"day": "number"}, warns="column 'day'"),
]


TABLES = [*MISSING, *NUMBERS, *BOOLEANS, *DAYS]
