"""Objects of the capture bucket, which the delivery stream stores plain or as gzip."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import BinaryIO, cast

_GZIP = b"\x1f\x8b"


def opened(body: bytes) -> BinaryIO:
    """Return a stream of what is in an object; reading one that is cut off or damaged raises what gzip raises."""
    plain = BytesIO(body)
    return cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if body.startswith(_GZIP) else plain
