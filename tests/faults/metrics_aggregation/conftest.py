from tests.support.aggregation_fixtures import context, world

__all__ = ["context", "world"]
