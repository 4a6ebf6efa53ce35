from tests.functional.metrics_aggregation.conftest import context, world

__all__ = ["context", "world"]
