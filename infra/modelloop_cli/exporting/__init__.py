"""Captures and baselines in the formats of SageMaker."""
