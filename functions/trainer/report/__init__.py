"""The report of a version: one HTML page made from its manifest, which needs no network."""

from trainer.report.page import render

__all__ = ["render"]
