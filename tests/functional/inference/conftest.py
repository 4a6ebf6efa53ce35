from tests.support.data_plane import bucket, endpoint, plane, store

__all__ = ["bucket", "endpoint", "plane", "store"]
