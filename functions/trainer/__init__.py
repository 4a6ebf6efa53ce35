"""One queued run becomes a fitted, examined, proven and published version."""

import os

# Threads of a fit that wait for each other sleep instead of spinning: a busy machine is not made busier.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
