"""A candidate beside the trivial model, the champion and the best version so far."""
