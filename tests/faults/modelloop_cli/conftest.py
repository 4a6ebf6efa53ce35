from tests.functional.modelloop_cli.conftest import api, aws_url, modelloop, s3, stack_file

__all__ = ["api", "aws_url", "modelloop", "s3", "stack_file"]
