"""Which candidates are fitted, and which of them is chosen."""
