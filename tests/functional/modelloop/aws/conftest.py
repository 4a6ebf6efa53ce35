from tests.support.registry_fixtures import registry, services

__all__ = ["registry", "services"]
