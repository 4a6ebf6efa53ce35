"""The command line: the loop from a terminal, on the embedded stack or a deployed one."""
