"""Whether live traffic still looks like the training data."""
