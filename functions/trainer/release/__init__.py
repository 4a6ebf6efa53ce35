"""From a chosen candidate to a stored, proven and released version."""
