"""Files that were damaged at random: what is accepted is read as the rule below says, letter by letter."""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from modelloop.errors import DatasetRejectedError
from modelloop.tables import grammar
from training_trigger.reading import dialect, plaintext
from training_trigger.reading.load import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training_trigger.reading.dialect import Dialect

MISSING = frozenset(grammar.MISSING_TOKENS)
PIECES = [
    '"', '""', "\\", '\\"', "'", ",", ";", "\t", "\n", "\r", "\r\n", " ", "  ", "a", "1", "NA", "\n\n", ",,", '"a"',
    '"a,b"', '"a\nb"', '"a""b"', "\u00a0", "\x0b", "\x0c", "\x1c", "\u2028", "\x85", "' '", "sep=", "|", ' "a"', '"a" ',
    "'a'", '""""', '"\r"', '"b" "c"', ',""', "\ufeff",
]  # fmt: skip
PLAIN = ["a", "1", "2.5", "", "NA", "red x", " pad ", "true", "back\\slash"]


def table(chance: random.Random) -> str:
    mark, end = chance.choice([",", ",", ",", ";", "\t", "|", " ", ":"]), chance.choice(["\n", "\n", "\r\n", "\r"])
    quote = chance.choice(['"', '"', '"', "'"])
    escape, width = chance.choice([quote, quote, "\\"]), chance.randint(2, 4)
    texts = [*PLAIN, f"say {quote}hi{quote}", f"a{mark}b", f"two{end}lines"]

    def cell() -> str:
        text = chance.choice(texts)
        if chance.random() < 0.4 or any(letter in text for letter in (quote, mark, "\n", "\r")):
            return quote + text.replace(quote, escape + quote) + quote
        return text

    names = mark.join(f"c{number}" for number in range(width))
    rows = [mark.join(cell() for _ in range(width)) for _ in range(chance.randint(1, 30))]
    return end.join([names, *rows]) + end * (chance.random() < 0.8)


def damaged(chance: random.Random, text: str) -> str:
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        place, taken = chance.randrange(len(text) + 1), chance.choice([0, 0, 0, 1, 2, 3])
        added = chance.choice(PIECES) if not taken or chance.random() < 0.5 else ""
        text = text[:place] + added + text[place + taken :]
    return text


def records(text: str, style: Dialect) -> Iterator[list[str]]:
    """Read a text by the rule: spaces beside quotes do not count, a backslash escapes inside quotes alone."""
    place, row = 0, [""]
    while place < len(text):
        begun = place
        at_quote = _after_spaces(text, place, style)
        is_quoted = text[at_quote : at_quote + 1] == style.quote
        row[-1], place = _quoted(text, at_quote, style) if is_quoted else _bare(text, place, style)
        if text[place : place + 1] == style.delimiter:
            row.append("")
        elif place > begun or len(row) > 1:
            yield row
            row = [""]
        place += 2 if text[place : place + 2] == "\r\n" else 1
    if len(row) > 1:
        yield row


def _after_spaces(text: str, place: int, style: Dialect) -> int:
    while style.delimiter != " " and text[place : place + 1] == " ":
        place += 1
    return place


def _bare(text: str, place: int, style: Dialect) -> tuple[str, int]:
    end = place
    while text[end : end + 1] not in (style.delimiter, "\r", "\n", ""):
        end += 1
    return text[place:end], end


def _quoted(text: str, place: int, style: Dialect) -> tuple[str, int]:
    """Return the cell whose opening quote is at a place, and the place after it."""
    cell, place = "", place + 1
    while text[place] != style.quote or (style.escape == style.quote == text[place + 1 : place + 2]):
        place += text[place] == style.escape
        cell += text[place]
        place += 1
    place = _after_spaces(text, place + 1, style)
    if text[place : place + 1] not in (style.delimiter, "\r", "\n", ""):
        raise ValueError(f"text follows the quote at {place}")
    return cell, place


def by_the_rule(text: str, style: Dialect) -> list[tuple[str | None, ...]]:
    rest = re.sub(r"[^\r\n]*(?:\r\n|\r|\n)", "", text, count=style.skip) if style.skip else text
    _, *rows = records(rest, style)
    return [tuple(grammar.read_text(cell, MISSING) for cell in row) for row in rows]


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 30))])
def test_what_is_accepted_is_read_by_the_rule(tmp_path: Path, seed: int) -> None:
    chance, accepted = random.Random(seed), 0
    with duckdb.connect() as connection:
        for _ in range(120):
            text = damaged(chance, table(chance))
            with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
                path, copy = Path(folder, "upload"), Path(folder, "copy")
                path.write_bytes(text.encode())
                copy.write_bytes(text.encode())
                try:
                    load(connection, path, "t.csv", grammar.MISSING_TOKENS)
                except DatasetRejectedError:
                    continue
                plain, _ = plaintext.decode(copy, Path(folder, "plain"))
                style = dialect.detect(plain)
                found = connection.execute("SELECT * FROM cells").fetchall()
                assert found == by_the_rule(plain.read_bytes().decode(), style), text
                accepted += 1
    assert accepted > 40
