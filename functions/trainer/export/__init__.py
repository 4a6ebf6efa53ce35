"""Exporters: from a fitted model to the documents that the serving side evaluates."""

from trainer.export.flatten import flatten
from trainer.export.onnx import OnnxFile, to_onnx

__all__ = ["OnnxFile", "flatten", "to_onnx"]
