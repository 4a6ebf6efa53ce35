"""The signer against AWS's published examples and against botocore."""

from __future__ import annotations

import datetime as dt
import re
import string
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from modelloop.aws.dataplane.sigv4 import Credentials, Scope, sign, signing_key

# The key pair and date of the "Signature Version 4 test suite" and of the worked examples in the IAM User Guide.
EXAMPLE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
MOMENT = "20150830T123600Z"


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ],
)
def test_the_published_test_suite(method: str, signature: str) -> None:
    headers = {"Host": "example.amazonaws.com"}
    scope = Scope(MOMENT, "us-east-1", "service")
    signed = sign(method, "/", headers, b"", EXAMPLE, scope)
    assert signed["Authorization"].endswith(f"Signature={signature}")
    assert "SignedHeaders=host;x-amz-date," in signed["Authorization"]


def test_the_published_signing_key() -> None:
    key = signing_key(EXAMPLE.secret_key, Scope("20150830T123600Z", "us-east-1", "iam"))
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


TEXT = st.text(string.ascii_letters + string.digits + " -_.~/+=&%é", max_size=12)


@given(
    path=TEXT.map(lambda text: re.sub("/+", "/", "/" + re.sub("[%.]", "", text).strip("/"))),
    body=st.binary(max_size=200),
    target=st.text(string.ascii_letters + "._  ", max_size=20).filter(str.strip),
    token=st.none() | st.just("session-token"),
)
def test_it_signs_as_botocore_does(path: str, body: bytes, target: str, token: str | None) -> None:
    credentials = EXAMPLE._replace(token=token)
    headers = {"Host": "firehose.us-east-1.amazonaws.com", "Content-Type": "a/b", "X-Amz-Target": target}
    ours = sign("POST", path, headers, body, credentials, Scope(MOMENT, "us-east-1", "firehose"))
    assert ours["Authorization"] == _botocore(path, headers, body, token)


def _botocore(path: str, headers: dict[str, str], body: bytes, token: str | None) -> str:
    request: Any = AWSRequest("POST", f"https://firehose.us-east-1.amazonaws.com{path}", headers, body)
    signer: Any = SigV4Auth(BotocoreCredentials(EXAMPLE.access_key, EXAMPLE.secret_key, token), "firehose", "us-east-1")
    request.context["timestamp"] = MOMENT
    request.headers["X-Amz-Date"] = MOMENT
    if token:
        request.headers["X-Amz-Security-Token"] = token
    moment = dt.datetime.strptime(MOMENT, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    assert moment.year == 2015
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"
