"""Identifiers: UUIDv7 for runs and predictions, names for models."""

from __future__ import annotations

import os
import re
import time
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from modelloop.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
_UUID7 = re.compile(_PATTERN)
_UUIDS7 = re.compile(f"(?:{_PATTERN}\n)*")
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_AHEAD_MS = 300_000
_MAX_HOUR = 70_000_000  # in the year 9955: an id that lies beyond was not made by a clock


def uuid7(now_ms: int | None = None) -> str:
    """Return a UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then 74 random bits."""
    stamp = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    return _uuid7(stamp, os.urandom(10))


def derived_uuid7(unix_ms: int, seed: str) -> str:
    """Return the one UUIDv7 of a moment and a text, for entries that repeats must write once."""
    return _uuid7(unix_ms, sha256(seed.encode()).digest()[:10])


def _uuid7(stamp: int, random: bytes) -> str:
    """Return the text of 48 bits of time and 80 random ones, of which 4 give way to the version, 2 to the variant."""
    head, tail = f"{stamp & 0xFFFFFFFFFFFF:012x}", random.hex()
    return f"{head[:8]}-{head[8:]}-7{tail[1:4]}-{'89ab'[random[2] >> 4 & 3]}{tail[5:8]}-{tail[8:]}"


def uuid7_ms(identifier: str) -> int | None:
    """Return the Unix milliseconds inside a UUIDv7, or None when it is not one."""
    return int(identifier[:8] + identifier[9:13], 16) if _UUID7.fullmatch(identifier) else None


def are_uuid7(identifiers: Sequence[str]) -> bool:
    """Return whether all of many texts are UUIDv7."""
    lines = "\n".join([*identifiers, ""])
    return len(lines) == 37 * len(identifiers) and _UUIDS7.fullmatch(lines) is not None


def hour_of(identifier: str) -> str | None:
    """Return the hour (UTC, YYYY-MM-DDTHH) in which an id was made, or None when it is not a UUIDv7 of a real time."""
    made = uuid7_ms(identifier)
    return None if made is None else _hour(made // _HOUR_MS)


def hours_of(identifiers: Sequence[str]) -> list[str] | None:
    """Return the hours of many ids, or None when `hour_of` has none for one of them; takes a fifth of its time."""
    if not are_uuid7(identifiers):
        return None
    hours = [_hour_of_start(identifier[:8]) or hour_of(identifier) for identifier in identifiers]
    return None if None in hours else cast("list[str]", hours)


@lru_cache(10_000)
def _hour(hours: int) -> str | None:
    return None if hours > _MAX_HOUR else time.strftime("%Y-%m-%dT%H", time.gmtime(hours * 3_600))


@lru_cache(10_000)
def _hour_of_start(digits: str) -> str | None:
    """Return the hour of every id that starts with these eight digits (a minute of them), None when there are two."""
    first = int(digits, 16) << 16
    hour = first // _HOUR_MS
    return _hour(hour) if (first | 0xFFFF) // _HOUR_MS == hour else None


def is_recent(identifier: str, now_ms: int, days: float) -> bool:
    """Return whether an id was made at most `days` before a moment (Unix milliseconds) and 5 minutes after it.

    False when it is not a UUIDv7. Clocks differ by seconds; an id from further ahead, or of a prediction that is no
    longer kept, can be joined with nothing.
    """
    made = uuid7_ms(identifier)
    return made is not None and now_ms - days * _DAY_MS <= made <= now_ms + _AHEAD_MS


def check_model_name(name: str) -> str:
    """Return the name itself; raise NotFoundError when no model can have it."""
    if not MODEL_NAME.fullmatch(name):
        raise NotFoundError(
            f"{name[:80]!r} is not a model name: lower-case letters, digits and hyphens, a letter first",
            field="model",
        )
    return name


def erasure_digest(model: str, prediction_id: str) -> str:
    """Return what the audit log keeps of an erased id: it answers whoever has the id, and nobody else."""
    return sha256(f"{model}\n{prediction_id}".encode()).hexdigest()


def share(model: str, salt: str, key: str) -> float:
    """Return where a key falls in 0 to 100, uniformly."""
    digest = sha256(f"{model}\n{salt}\n{key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) * (100 / 2**64)
