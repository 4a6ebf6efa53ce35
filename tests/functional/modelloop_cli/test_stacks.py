from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from modelloop_client.failures import CommandError
from modelloop_client.signing import Signature, is_data_plane
from modelloop_client.stacks import find_stack

if TYPE_CHECKING:
    from pathlib import Path

REGION = "eu-west-1"


@pytest.fixture
def signed_in(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": aws_url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


def deploy(outputs: dict[str, str]) -> None:
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(StackName="loop-prod", TemplateBody=json.dumps(template))


@pytest.mark.usefixtures("signed_in", "s3")
def test_a_deployed_stack_is_found_by_its_outputs() -> None:
    key = boto3.client("apigateway").create_api_key(name="k", enabled=True)
    buckets = {"DataBucket": "d", "ArtifactsBucket": "a", "CaptureBucket": "c", "Table": "t"}
    deploy({"ApiUrl": "https://api.example/v1/", "ApiKeyId": key["id"], "VerdictFunction": "verdicts", **buckets})

    stack = find_stack("loop-prod")

    assert stack.api_url == "https://api.example/v1"
    assert stack.api_key == key["value"]
    assert (stack.data_bucket, stack.table, stack.region) == ("d", "t", REGION)
    assert stack.endpoint_url is None
    assert stack.outputs["VerdictFunction"] == "verdicts"


@pytest.mark.usefixtures("signed_in", "s3")
def test_a_stack_of_something_else_is_refused() -> None:
    deploy({"Website": "https://example.org"})

    with pytest.raises(CommandError, match="has no output 'ApiKeyId'"):
        find_stack("loop-prod")


@pytest.mark.usefixtures("signed_in")
def test_without_a_region_the_advice_names_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(CommandError) as refused:
        find_stack("loop-prod")

    assert "AWS_REGION" in refused.value.advice


def test_the_nearest_embedded_stack_upwards_is_taken(
    stack_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / "project" / "notebooks" / "old"
    (tmp_path / "project" / ".local").mkdir(parents=True)
    deep.mkdir(parents=True)
    facts = json.loads(stack_file.read_text()) | {"stack_name": "nearest"}
    (tmp_path / "project" / ".local" / "stack.json").write_text(json.dumps(facts))
    monkeypatch.delenv("MODELLOOP_STACK_FILE")
    monkeypatch.chdir(deep)

    assert find_stack().stack_name == "nearest"


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/ping", True), ("/health", True), ("/v2", True), ("/v2/models/m/versions/3/infer", True),
        ("/openapi.json", True), ("/models/m/invocations", True), ("/models/m/feedback", True),
        ("/models", False), ("/models/m", False), ("/models/m/versions/3", False), ("/models/m/promote", False),
        ("/metrics", False), ("/uploads", False), ("/v2x", False), ("/models/m/runs/invocations", False),
    ],
)  # fmt: skip
def test_each_path_has_its_plane(path: str, data: bool) -> None:
    assert is_data_plane(path) is data


def test_the_gateway_computes_the_same_signature_from_what_arrives() -> None:
    identity = Credentials("AKIDEXAMPLE", "secret")
    query = {"from": "2026-11-23T00:00:00+01:00", "next": "a/b=c&d é", "empty": ""}
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(answer), auth=Signature(identity, REGION)) as client:
        client.post("https://api.example/v1/models/a%20b/runs", params=query, json={"reason": "x"})
    sent = seen[0]
    arrived = parse_qsl(sent.url.query.decode(), keep_blank_values=True)
    names = re.findall(r"SignedHeaders=([^,]+)", sent.headers["authorization"])[0].split(";")
    signer = SigV4Auth(identity, "execute-api", REGION)
    received: Any = AWSRequest(
        sent.method,
        f"https://api.example{sent.url.raw_path.decode().partition('?')[0]}",
        params=dict(arrived),
        data=sent.content,
        headers={name: sent.headers[name] for name in names},
    )
    received.context["timestamp"] = sent.headers["x-amz-date"]
    text = signer.string_to_sign(received, signer.canonical_request(received))

    assert dict(arrived) == query
    assert sent.headers["authorization"].endswith(signer.signature(text, received))
