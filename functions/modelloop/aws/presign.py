"""Links that carry this function's rights to one object for a short time."""

from __future__ import annotations

from modelloop.aws.clients import client

SECONDS = 900


def link_to_read(bucket: str, key: str, content_type: str) -> str:
    """Return a URL that opens an object in a browser."""
    asked = {"Bucket": bucket, "Key": key, "ResponseContentType": content_type, "ResponseContentDisposition": "inline"}
    return str(client("s3").generate_presigned_url("get_object", Params=asked, ExpiresIn=SECONDS))


def link_to_write(bucket: str, key: str) -> str:
    """Return a URL that takes an object by PUT."""
    asked = {"Bucket": bucket, "Key": key}
    return str(client("s3").generate_presigned_url("put_object", Params=asked, ExpiresIn=SECONDS))
