"""HTTP requests to predictions: the data plane."""
