"""The wire formats of the data plane: what a caller asks, and the answer in the form it was asked in."""
