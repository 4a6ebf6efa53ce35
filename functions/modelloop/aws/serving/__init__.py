"""Reading and changing what serves."""
