"""The report of a version: one page that needs no network, made of its manifest."""
