from __future__ import annotations

import json
from random import Random

import pytest

from modelloop.captures import quarantine
from modelloop.captures.quarantine import Quarantine, Refused
from modelloop.contracts.index_entry import SourceObject


def test_the_first_lines_are_quoted_whatever_the_order_they_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MAX_QUOTES", 5)
    refused = [Refused(line, "why", b"text\n", "malformed") for line in range(1, 101)]
    Random(3).shuffle(refused)
    kept = Quarantine()
    for one in refused:
        kept.add([one])

    head, *quotes = [json.loads(line) for line in kept.to_bytes(SourceObject("k", None)).splitlines()]
    assert head == {"format_version": 1, "key": "k", "version_id": None, "refused": 100}
    assert quotes == [
        {"line": line, "reason": "why", "text": "text", "kind": "malformed", "model": ""} for line in range(1, 6)
    ]


def test_a_quotation_is_cut_and_keeps_bytes_that_are_no_text() -> None:
    kept = Quarantine()
    kept.add([Refused(1, "why", b"\xff" + b"x" * 10_000, "not_json", "m")])

    _, quote = [json.loads(line) for line in kept.to_bytes(SourceObject("k", None)).splitlines()]
    assert quote["text"] == "\\xff" + "x" * (quarantine.MAX_QUOTE_BYTES - 1)
