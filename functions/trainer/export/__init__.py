"""Exporters: from a fitted model to the documents that the serving side evaluates."""
