"""The embedded stack: the same template on an emulator of AWS, with no account and no container engine."""
