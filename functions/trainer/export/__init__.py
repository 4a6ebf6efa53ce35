"""Exporters: from a fitted model to the documents that the serving side evaluates."""

from trainer.export.flatten import flatten

__all__ = ["flatten"]
