from tests.support.command_line import api, aws_url, browser, modelloop, page, s3, stack_file
from tests.support.erasing import loop

__all__ = ["api", "aws_url", "browser", "loop", "modelloop", "page", "s3", "stack_file"]
