"""The DynamoDB table: models, runs, versions, verdicts and the audit log."""
