"""Stacks that can be talked to: the embedded one, or a deployed one by its CloudFormation name."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from modelloop_client.failures import SIGN_IN, CommandError

if TYPE_CHECKING:
    from botocore.credentials import Credentials

STACK_FILE = Path(".local/stack.json")
STACK_FILE_VARIABLE = "MODELLOOP_STACK_FILE"
CHECKOUT = Path(__file__).resolve().parents[2]  # holds no stack where this package was installed from a wheel
_START = "Start the embedded stack with: modelloop up (or name a deployed one: --stack NAME)"
_EMBEDDED = "000000000000"  # the emulator takes any identity; a key of twelve digits names the account


@dataclass(frozen=True)
class Stack:
    """The addresses of one stack's API, buckets and table; `endpoint_url` is None on AWS."""

    stack_name: str
    region: str
    api_url: str
    api_key: str
    data_bucket: str
    artifacts_bucket: str
    capture_bucket: str
    table: str
    endpoint_url: str | None = None

    @cached_property
    def session(self) -> boto3.session.Session:
        """Return the AWS session: a fixed identity on the embedded stack, the caller's own on AWS."""
        if self.endpoint_url is None:
            return boto3.session.Session(region_name=self.region)
        return boto3.session.Session(_EMBEDDED, _EMBEDDED, region_name=self.region)

    @cached_property
    def credentials(self) -> Credentials:
        """Return what control routes are signed with; raise CommandError when there are none."""
        credentials = self.session.get_credentials()
        if credentials is None:
            raise CommandError("no AWS credentials found", SIGN_IN)
        return credentials

    def aws(self, service: str) -> Any:
        """Return a client of one AWS service of this stack."""
        make: Any = self.session.client  # the stubs know each service's name, not a variable
        return make(service, endpoint_url=self.endpoint_url)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Return the values of the template's outputs by name."""
        return _outputs(self.aws("cloudformation"), self.stack_name)


def find_stack(name: str | None = None) -> Stack:
    """Return the named deployed stack, or the embedded one nearest to the working directory.

    Raises CommandError when the embedded stack is not running, or the named stack is not one of Modelloop.
    """
    return _embedded(_stack_file()) if name is None else _deployed(name)


def _stack_file() -> Path:
    if file := os.environ.get(STACK_FILE_VARIABLE):
        return Path(file)
    if (nearest := nearest_stack_file()) is not None:
        return nearest
    raise CommandError("the embedded stack is not running", _START)


def nearest_stack_file() -> Path | None:
    """Return the description of the running embedded stack in this folder, the nearest above it, or the checkout."""
    here = Path.cwd()
    files = (folder / STACK_FILE for folder in (here, *here.parents, CHECKOUT))
    return next((file for file in files if file.is_file()), None)


def _embedded(file: Path) -> Stack:
    try:
        document = json.loads(file.read_text())
        return Stack(**{name: document[name] for name in Stack.__dataclass_fields__})
    except FileNotFoundError as error:
        raise CommandError(f"{file} does not exist", _START) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{file} is not a description of a stack: {error!r}", _START) from error


def _deployed(name: str) -> Stack:
    session = boto3.session.Session()
    if session.region_name is None:
        raise CommandError("no AWS region is set", "Set AWS_REGION to where the stack is")
    outputs = _outputs(session.client("cloudformation"), name)
    try:
        key = session.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)
        return Stack(
            stack_name=name,
            region=session.region_name,
            api_url=outputs["ApiUrl"].rstrip("/"),
            api_key=key["value"],
            data_bucket=outputs["DataBucket"],
            artifacts_bucket=outputs["ArtifactsBucket"],
            capture_bucket=outputs["CaptureBucket"],
            table=outputs["Table"],
        )
    except KeyError as error:
        raise CommandError(f"stack {name!r} has no output {error}", "Is it a Modelloop stack?") from error


def _outputs(cloudformation: Any, name: str) -> dict[str, str]:
    stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
