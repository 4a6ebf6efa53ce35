"""How a version goes live: routing, moves of the serving pointer, and the judge."""
