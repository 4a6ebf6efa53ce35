"""The description of a running stack, for tools and people."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from modelloop_stack.build.paths import ROOT

REGION = "us-east-1"
ACCOUNT = "000000000000"
DEFAULT_STATE = ROOT / ".local"


class StackNotRunningError(RuntimeError):
    """No stack is running in this state folder."""


@dataclass(frozen=True, slots=True)
class StackInfo:
    """Addresses and names of one running stack; `api_url` takes paths such as /v2/models."""

    api_url: str
    api_key: str
    endpoint_url: str
    region: str
    stack_name: str
    data_bucket: str
    artifacts_bucket: str
    capture_bucket: str
    table: str
    runs_queue_url: str
    trigger_function: str
    verdict_function: str
    inference_function: str
    outputs: dict[str, str]

    @classmethod
    def load(cls, path: Path = DEFAULT_STATE / "stack.json") -> Self:
        """Read what `up` wrote.

        Raises:
            StackNotRunningError: there is no such file, so no stack is up.

        """
        try:
            document = json.loads(path.read_text())
        except FileNotFoundError as absent:
            raise StackNotRunningError(f"no stack is running: {path} does not exist; run `make up`") from absent
        return cls(**document)

    def save(self, path: Path) -> None:
        """Write the file in one step, so that a reader never sees a part of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".stack-")
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file, indent=2)
        Path(aside).replace(path)

    def client(self, service: str) -> Any:
        """Return a boto3 client of the emulator."""
        return emulator_client(service, self.endpoint_url)

    def environment(self) -> dict[str, str]:
        """Return the variables that point any AWS tool or SDK at the emulator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "embedded",
        }


def emulator_client(service: str, endpoint_url: str, config: Config | None = None) -> Any:
    """Return a boto3 client that never looks for real credentials."""
    session: Any = boto3.session.Session()  # the service is a name at run time, not one of the typed ones
    return session.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        config=config,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="embedded",  # noqa: S106 - the emulator takes any secret
    )
