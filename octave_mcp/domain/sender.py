"""The sender who signs the e-mails."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from octave_mcp.domain.value import Value

# Matches control characters, line breaks, and characters that could reverse the text after a signature.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _on_one_line(text: str) -> str:
    if _UNPRINTABLE.search(text):
        raise PydanticCustomError("unprintable", "give one line, without line breaks or control characters")
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120), AfterValidator(_on_one_line)]


class Sender(Value):
    """The rep who sends the e-mails.

    The signature omits empty fields. If `name` is empty, the signature has merge fields.
    """

    name: Line = ""
    company: Line = ""
    title: Line = ""
    sign_off: Line = ""

    def filled(self, others: Sender) -> Sender:
        """Return a copy whose empty fields are filled with the values of `others`."""
        return Sender(**{name: value or getattr(others, name) for name, value in self})
