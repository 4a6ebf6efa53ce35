"""Models that were fitted elsewhere and imported as ONNX: checked, adapted to one matrix, examined."""
