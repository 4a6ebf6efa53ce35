from tests.support.aggregation_fixtures import context, world
from tests.support.registry_fixtures import registry, services

__all__ = ["context", "registry", "services", "world"]
