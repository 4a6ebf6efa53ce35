"""Build what Lambda runs: layers by role and the functions' code, with compiled bytecode inside."""
