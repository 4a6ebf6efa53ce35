"""The client: one stack's API, buckets and table, for the command line and for any Python program."""
