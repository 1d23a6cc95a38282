"""Tool: check a rep's own e-mail or call script against the pages that a run has read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octave_mcp.domain.copy_check import CheckedCopy
from octave_mcp.errors import InputError
from octave_mcp.tools.registry import Call, tool

# About 1,600 words, many times the length of an e-mail.
MAX_TEXT_CHARACTERS = 10_000

RunId = Annotated[str, Field(description="From generate_playbook")]
Text = Annotated[str, Field(description="With its 'Subject:' line")]


class CopyReport(CheckedCopy):
    """The result of checking a rep's e-mail or call script by rules, without a model."""

    run_id: str


# The tool changes nothing, but the method is POST, because the text is too long for a query string.
@tool("POST", "/runs/{run_id}/check", title="Check copy", read_only=True)
async def check_copy(run_id: RunId, text: Text, *, call: Call) -> CopyReport:
    """Check a user's own e-mail or script against the pages that a run read.

    Rates each sentence 'supported', 'partly' (also if unclear), 'not' or 'no claim', with the nearest quotation.
    """
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InputError(
            f"text: has {len(text):,} characters; at most {MAX_TEXT_CHARACTERS:,} can be checked at once; "
            "check the text in parts",
            "text",
        )
    checked = await call.runs.versions.check_copy(run_id, text)
    return CopyReport(run_id=run_id, **dict(checked))
