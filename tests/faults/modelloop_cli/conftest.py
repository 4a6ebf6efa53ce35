from tests.support.command_line import api, aws_url, modelloop, s3, stack_file
from tests.support.erasing import loop

__all__ = ["api", "aws_url", "loop", "modelloop", "s3", "stack_file"]
