"""samconfig.toml: what each environment deploys fits the template."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from modelloop_stack.build.paths import ROOT
from modelloop_stack.deploy import PARAMETERS
from training_trigger import plan

CONFIGURATION = tomllib.loads((ROOT / "samconfig.toml").read_text())
DEPLOYED = ("default", "staging", "production")


def overrides(environment: str) -> dict[str, str]:
    pairs = CONFIGURATION[environment]["deploy"]["parameters"]["parameter_overrides"]
    return dict(pair.split("=") for pair in pairs)


def assert_taken(values: dict[str, str], parameters: dict[str, Any]) -> None:
    for name, value in values.items():
        declared = parameters[name]
        assert re.fullmatch(declared.get("AllowedPattern", ".*"), value), (name, value)
        assert value in declared.get("AllowedValues", [value])


@pytest.mark.parametrize("environment", DEPLOYED)
def test_an_environment_overrides_parameters_that_exist_with_values_they_take(
    environment: str, source: dict[str, Any]
) -> None:
    assert_taken(overrides(environment), source["Parameters"])


def test_the_embedded_stack_does_too(source: dict[str, Any]) -> None:
    assert_taken(PARAMETERS, source["Parameters"])
    assert PARAMETERS["EmulatorMode"] == "true"


def test_no_deployed_environment_is_in_emulator_mode() -> None:
    assert not any("EmulatorMode" in overrides(environment) for environment in DEPLOYED)


@pytest.mark.parametrize("environment", DEPLOYED)
def test_an_environment_allows_roles_and_a_transform_with_nested_stacks(environment: str) -> None:
    capabilities = CONFIGURATION[environment]["deploy"]["parameters"]["capabilities"]
    assert capabilities == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def test_no_two_environments_share_a_stack_or_a_bucket() -> None:
    stacks = {CONFIGURATION[environment]["global"]["parameters"]["stack_name"] for environment in DEPLOYED}
    prefixes = {overrides(environment)["NamePrefix"] for environment in DEPLOYED}
    assert len(stacks) == len(prefixes) == len(DEPLOYED)


def test_bucket_names_stay_inside_the_limit_in_the_longest_region() -> None:
    prefixes = [overrides(environment)["NamePrefix"] for environment in DEPLOYED]
    assert max(len(f"{prefix}-artifacts-123456789012-ap-southeast-1") for prefix in prefixes) <= 63


def test_the_plan_knows_the_functions_that_are_deployed(source: dict[str, Any]) -> None:
    intake = source["Resources"]["TrainingTriggerFunction"]["Properties"]
    trainer = source["Resources"]["TrainerFunction"]["Properties"]
    assert intake["MemorySize"] == plan.INTAKE_MEMORY_MB
    assert trainer["Timeout"] == intake["Timeout"] == plan.LAMBDA_SECONDS
    assert source["Parameters"]["TrainerMemory"]["MaxValue"] == plan.LAMBDA_MEMORY_MB
    told = intake["Environment"]["Variables"]
    assert told["MODELLOOP_TRAINER_MEMORY"] == trainer["MemorySize"]
    assert told["MODELLOOP_TRAINER_STORAGE"] == intake["EphemeralStorage"]["Size"]
