"""Deploy the package by CloudFormation, then correct what the emulator does otherwise than AWS."""

from __future__ import annotations

import time
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from modelloop_stack.info import REGION, StackInfo, emulator_client
from modelloop_stack.package import BUCKET, Package

STACK = "modelloop"
PARAMETERS = {"Stage": "local", "EmulatorMode": "true", "LabelDelayHours": "0", "NamePrefix": "modelloop"}
DEPLOY_SECONDS = 120
API_STAGE = "v1"


class DeployError(RuntimeError):
    """CloudFormation refused the stack; the message carries its reason."""


def deploy(endpoint_url: str, package: Package) -> dict[str, str]:
    """Create or update the stack and return its outputs.

    Raises:
        DeployError: a resource failed.

    """
    template_url = _upload(endpoint_url, package)
    cloudformation = emulator_client("cloudformation", endpoint_url)
    before = read_status(endpoint_url)
    if before is not None and before.startswith(("ROLLBACK", "DELETE", "CREATE_FAILED")):
        cloudformation.delete_stack(StackName=STACK)
        before = None
    arguments = {
        "StackName": STACK,
        "TemplateURL": template_url,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()],
        "Tags": [{"Key": "package", "Value": package.digest}],
    }
    act = cloudformation.create_stack if before is None else cloudformation.update_stack
    act(**arguments)
    return _await_complete(cloudformation)


def read_status(endpoint_url: str) -> str | None:
    """Return the status of the stack in CloudFormation, or None when there is no stack."""
    try:
        stacks = emulator_client("cloudformation", endpoint_url).describe_stacks(StackName=STACK)["Stacks"]
    except ClientError:
        return None
    status = str(stacks[0]["StackStatus"])
    return None if status == "DELETE_COMPLETE" else status


def correct_emulator(endpoint_url: str, outputs: dict[str, str]) -> None:
    """Set what the template says and the emulator leaves out."""
    gateway = emulator_client("apigateway", endpoint_url, Config(parameter_validation=False))
    _accept_binary_bodies(gateway, outputs["ApiId"])
    _keep_failed_events(emulator_client("lambda", endpoint_url), endpoint_url, outputs)


def describe(endpoint_url: str, outputs: dict[str, str]) -> StackInfo:
    """Return what tools need to talk to the stack."""
    gateway = emulator_client("apigateway", endpoint_url)
    key = gateway.get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)
    return StackInfo(
        api_url=f"{endpoint_url}/restapis/{outputs['ApiId']}/{API_STAGE}/_user_request_",
        api_key=key["value"],
        endpoint_url=endpoint_url,
        region=REGION,
        stack_name=STACK,
        data_bucket=outputs["DataBucket"],
        artifacts_bucket=outputs["ArtifactsBucket"],
        capture_bucket=outputs["CaptureBucket"],
        table=outputs["Table"],
        runs_queue_url=outputs["RunsQueueUrl"],
        trigger_function=outputs["TriggerFunction"],
        verdict_function=outputs["VerdictFunction"],
        inference_function=outputs["InferenceFunction"],
        outputs=outputs,
    )


def _upload(endpoint_url: str, package: Package) -> str:
    """Upload the files and the template, which is too long for a request; return the template's address."""
    s3 = emulator_client("s3", endpoint_url)
    s3.create_bucket(Bucket=BUCKET)
    for key, content in package.files.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    s3.put_object(Bucket=BUCKET, Key=f"{package.digest}.json", Body=package.template.encode())
    return f"{endpoint_url}/{BUCKET}/{package.digest}.json"


def _await_complete(cloudformation: Any) -> dict[str, str]:
    deadline = time.monotonic() + DEPLOY_SECONDS
    while time.monotonic() < deadline:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        if stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            raise DeployError(f"{stack['StackStatus']}: {_first_failure(cloudformation)}")
        time.sleep(0.1)
    raise DeployError(f"the stack was not complete after {DEPLOY_SECONDS} seconds")


def _first_failure(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed]
    return "; ".join(reasons) or "no reason was given"


def _accept_binary_bodies(gateway: Any, api: str) -> None:
    """Write the media types unescaped: the emulator stores `*~1*` literally.

    Its patch stores the value as it comes, so this one is a list, which the client would otherwise refuse to send.
    """
    change = {"op": "replace", "path": "/binaryMediaTypes", "value": ["*/*"]}
    gateway.update_rest_api(restApiId=api, patchOperations=[change])


def _keep_failed_events(functions: Any, endpoint_url: str, outputs: dict[str, str]) -> None:
    """Set the failure destination again: an update of the function's code drops it in the emulator."""
    sqs = emulator_client("sqs", endpoint_url)
    queue = sqs.get_queue_attributes(QueueUrl=outputs["TriggerFailuresUrl"], AttributeNames=["QueueArn"])
    functions.put_function_event_invoke_config(
        FunctionName=outputs["TriggerFunction"],
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": queue["Attributes"]["QueueArn"]}},
    )
