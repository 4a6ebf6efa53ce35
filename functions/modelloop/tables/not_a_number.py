"""JSON with NaN in the place of missing numbers, as pandas, numpy and R write it; read only after JSON was refused.

JSON has no NaN, so a request that holds one is parsed twice: NaN outside of texts becomes null, and the same parser as
before reads the rest by its own grammar. Infinity stays refused, since it is not missing.
"""

from __future__ import annotations

import re

import orjson

from modelloop.errors import MalformedBodyError

MAX_DEPTH = 32
# Everything up to the next bare NaN or Infinity, in one pass without going back: other characters, and whole texts.
_UP_TO_NUMBER = re.compile(
    rb'(?:[^"NI]++|"(?:[^"\\]++|\\.)*+"|N(?!aN\b)|I(?!nfinity\b))*+(NaN\b|Infinity\b)', re.DOTALL
)


def parse(body: bytes) -> object:
    """Return the document of a body, with None for NaN.

    Raises MalformedBodyError for Infinity and for lists and objects nested more than 32 deep, and JSONDecodeError for
    what is not JSON apart from NaN.
    """
    parts: list[bytes] = []
    at = 0
    while found := _UP_TO_NUMBER.match(body, at):
        if found[1] == b"Infinity":
            raise MalformedBodyError("Infinity is not a number that JSON has: send null where a value is missing")
        parts += (body[at : found.start(1)], b"null")
        at = found.end()
    parts.append(body[at:])
    document = orjson.loads(b"".join(parts))
    _check_depth(document)
    return document


def _check_depth(document: object) -> None:
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise MalformedBodyError(f"JSON that holds NaN may not be nested more than {MAX_DEPTH} deep")
