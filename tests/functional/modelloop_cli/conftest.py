from tests.support.command_line import api, aws_url, browser, modelloop, page, s3, stack_file

__all__ = ["api", "aws_url", "browser", "modelloop", "page", "s3", "stack_file"]
