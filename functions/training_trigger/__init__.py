"""S3 uploads to validated, encoded tables and queued runs."""
