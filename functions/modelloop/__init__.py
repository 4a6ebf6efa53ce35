"""The domain of Modelloop: what a table, a version, a pointer, a summary and a verdict are."""
