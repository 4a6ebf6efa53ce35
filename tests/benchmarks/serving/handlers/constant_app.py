"""The floor of a cold start: a constant answer and one line of log."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

logger = Logger(service="constant")


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    logger.info("hello")
    return {"statusCode": 200, "body": "{}"}
