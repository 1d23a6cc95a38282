"""Tool: read a part of a playbook as text that a person can edit."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.parts import place_of, written
from octave_mcp.domain.value import Value
from octave_mcp.domain.versions import Version
from octave_mcp.errors import NotFinished
from octave_mcp.tools.playbooks import RunId, VersionNumber
from octave_mcp.tools.registry import Call, tool


class PartLine(Value):
    """A part within a section: its path, and the start of its text."""

    path: str
    preview: str


class SectionText(Value):
    """A part of a playbook as text to edit, in the format that `edit_section` accepts.

    `is_json`: `text` is JSON, because the part cannot be written as plain text. `is_revisable`: a model can rewrite the
    part (see `revise_playbook`). `parts` are smaller parts, which can be edited alone.
    """

    run_id: str
    version: int
    section: str
    text: str
    is_json: bool
    is_revisable: bool
    parts: tuple[PartLine, ...] = ()


@tool(
    "GET",
    "/runs/{run_id}/sections/{section}",
    title="Read a section to edit it",
    read_only=True,
    in_tool_list=False,
    errors=(NotFinished,),
)
async def read_section(
    run_id: RunId,
    section: Annotated[
        str, Field(max_length=500, description="Section or part: 'email_sequences.persona-1.touches[2]'")
    ],
    version: VersionNumber = None,
    *,
    call: Call,
) -> SectionText:
    """Return a section, or part of a section, as the text that `edit_section` accepts.

    An e-mail is 'Subject: ...', an empty line, and the body; a list of texts has one text per line. A part that cannot
    be written as plain text is returned as JSON, with a list of smaller parts.
    """
    return await computed(_section_text, await call.runs.versions.whole(run_id, version), run_id, section)


def _section_text(version: Version, run_id: str, section: str) -> SectionText:
    # Only editing needs these modules.
    from octave_mcp.copywriting.edit_input import check_editable  # noqa: PLC0415
    from octave_mcp.copywriting.editable_text import editable_text, parts_within  # noqa: PLC0415
    from octave_mcp.runs.revising import is_revisable  # noqa: PLC0415

    playbook = version.playbook
    path = place_of(playbook, section)
    name = written(playbook, path)
    check_editable(playbook, path, name)
    text, is_json = editable_text(playbook, path)
    parts = tuple(PartLine(path=part.path, preview=part.preview) for part in parts_within(playbook, path))
    return SectionText(
        run_id=run_id,
        version=version.meta.number,
        section=name,
        text=text,
        is_json=is_json,
        is_revisable=is_revisable(version, name, run_id),
        parts=parts,
    )
