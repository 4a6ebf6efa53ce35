"""Three buckets: protected, and wired so that no function can trigger itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.template.access import BUCKETS, grants, place, role_of
from tests.support.template.buckets import mappings
from tests.support.template.resources import Resources, of_type

EXPIRING = ("prepared", "derived", "index", "feedback", "unjoined", "labelled", "quarantine")


def test_there_are_three(resources: Resources) -> None:
    assert set(of_type(resources, "AWS::S3::Bucket")) == set(BUCKETS)


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_encrypted_versioned_and_retained(name: str, resources: Resources) -> None:
    bucket = resources[name]
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["UpdateReplacePolicy"] == "Retain"
    properties = bucket["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize(("name", "word"), BUCKETS.items())
def test_a_bucket_takes_tls_alone(name: str, word: str, resources: Resources) -> None:
    (policy,) = (
        body["Properties"]
        for body in of_type(resources, "AWS::S3::BucketPolicy").values()
        if body["Properties"]["Bucket"] == {"Ref": name}
    )
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert [place(resource) for resource in statement["Resource"]] == [word, f"{word}/*"]


@pytest.mark.parametrize("name", BUCKETS)
def test_what_comes_from_single_rows_expires_with_its_old_versions(name: str, resources: Resources) -> None:
    rules = resources[name]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = [rule for rule in rules if "ExpirationInDays" in rule]
    assert expiring
    for rule in expiring:
        assert rule["ExpirationInDays"] == {"Ref": "RetentionDays"}
        replaced = {"Ref": "RetentionDays"} if name == "DataBucket" else 1  # a retraining reads uploads by version
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": replaced}
    if name == "ArtifactsBucket":
        prefixes = {rule["Prefix"] for rule in expiring}
        assert prefixes == {f"{word}/" for word in EXPIRING}


def test_joined_hours_and_days_that_were_written_anew_are_gone_a_day_later(resources: Resources) -> None:
    rules = resources["ArtifactsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = (rule for rule in rules if rule["Prefix"] == "quality/")
    assert (rule["Status"], rule["NoncurrentVersionExpiration"]) == ("Enabled", {"NoncurrentDays": 1})
    assert "ExpirationInDays" not in rule


def test_an_upload_invokes_the_trigger_directly_and_a_capture_goes_through_its_queue(resources: Resources) -> None:
    assert triggers(resources) == {
        ("DataBucket", "TrainingTriggerFunction", "datasets/"),
        ("DataBucket", "TrainingTriggerFunction", "models/"),
        ("CaptureBucket", "CaptureQueue", "captures/"),
        ("CaptureBucket", "CaptureQueue", "feedback/"),
    }
    (mapping,) = mappings(resources, "CaptureQueue")
    assert mapping["FunctionName"] == {"Ref": "MetricsAggregationFunction"}


def test_no_function_is_triggered_by_a_bucket_that_it_writes(resources: Resources) -> None:
    for bucket, target, _ in triggers(resources):
        consumers = [target]
        if target.endswith("Queue"):
            consumers = [mapping["FunctionName"]["Ref"] for mapping in mappings(resources, target)]
        for function in consumers:
            written = {
                grant.resource.partition("/")[0]
                for grant in grants(resources, role_of(resources, function))
                if grant.action == "s3:PutObject"
            }
            assert BUCKETS[bucket] not in written, f"{function} would trigger itself"


def test_a_bucket_is_made_after_what_it_tells_may_be_told(resources: Resources) -> None:
    assert "CaptureQueuePolicy" in str(resources["CaptureBucket"]["DependsOn"])
    assert "Permission" in str(resources["DataBucket"]["DependsOn"])


def triggers(resources: Resources) -> set[tuple[str, str, str]]:
    found = set()
    for name in BUCKETS:
        configuration = resources[name]["Properties"].get("NotificationConfiguration", {})
        for entry in configuration.get("LambdaConfigurations", []):
            found.add((name, target(entry["Function"]), prefix(entry)))
        for entry in configuration.get("QueueConfigurations", []):
            found.add((name, target(entry["Queue"]), prefix(entry)))
    return found


def target(reference: dict[str, Any]) -> str:
    return str(reference["Fn::GetAtt"][0])


def prefix(entry: dict[str, Any]) -> str:
    (rule,) = entry["Filter"]["S3Key"]["Rules"]
    assert rule["Name"] == "prefix"
    return str(rule["Value"])
