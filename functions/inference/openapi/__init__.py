"""The OpenAPI documents of the API."""
