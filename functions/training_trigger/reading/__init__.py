"""From the bytes of an upload to a table of raw text cells in DuckDB."""
