"""The caller's token on the command line: from the environment, since everybody on the machine sees arguments."""

import os
from collections.abc import Mapping

from collectors.auth.ways import TOKEN_VARIABLE, is_token
from server.errors import QuestionError


def caller_token(environ: Mapping[str, str] | None = None) -> str | None:
    """The bearer token in the environment, None where there is none.  Raises QuestionError for what can be none."""
    text = (os.environ if environ is None else environ).get(TOKEN_VARIABLE, "").strip()
    if text and not is_token(text):
        raise QuestionError("bad-token", f"the environment variable {TOKEN_VARIABLE} holds no bearer token")
    return text or None
