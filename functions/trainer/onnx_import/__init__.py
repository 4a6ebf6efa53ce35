"""Models that were fitted elsewhere and brought as ONNX: checked, adapted to one matrix, asked, examined."""
