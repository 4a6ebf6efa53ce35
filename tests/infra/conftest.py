from tests.support.template.resources import alarms, resources, source, template

__all__ = ["alarms", "resources", "source", "template"]
