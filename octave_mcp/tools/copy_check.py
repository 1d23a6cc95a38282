"""A rep's own copy against what a run has read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octave_mcp.domain.copy_check import CheckedCopy
from octave_mcp.errors import InputError
from octave_mcp.tools.registry import Call, tool

# Characters: about 1,600 words, ten times an e-mail.
LONGEST_TEXT = 10_000

RunId = Annotated[str, Field(description="From generate_playbook")]
Text = Annotated[str, Field(description="With its 'Subject:' line")]


class CopyReport(CheckedCopy):
    """A rep's copy, checked without a model."""

    run_id: str


# Its text is too long for the address of a GET.
@tool("POST", "/runs/{run_id}/check", title="Check copy", read_only=True)
async def check_copy(run_id: RunId, text: Text, *, call: Call) -> CopyReport:
    """Check a user's own e-mail or call script against what a run has read.

    Each sentence: 'supported', 'partly' (or rules cannot tell), 'not' or 'no claim', with the nearest quotation.
    """
    if len(text) > LONGEST_TEXT:
        raise InputError(
            f"text: it has {len(text):,} characters; at most {LONGEST_TEXT:,} are checked; check it in parts"
        )
    checked = await call.runs.check_copy(run_id, text)
    return CopyReport(run_id=run_id, **dict(checked))
