"""Tools: list and compare the versions of a playbook, and create a version with a person's own text."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.diffs import AnyJson, Diff, diff
from octave_mcp.domain.parts import Given
from octave_mcp.domain.sender import Line
from octave_mcp.domain.value import Value
from octave_mcp.domain.version_meta import VersionMeta
from octave_mcp.errors import InputError, NotFinished, Outdated
from octave_mcp.tools.playbooks import RunId
from octave_mcp.tools.registry import Call, is_absent, tool

# Maximum length of `text`, many times the length of an e-mail or a call script.
MAX_TEXT_CHARACTERS = 50_000


class VersionList(Value):
    """The versions of a run's playbook, newest first."""

    run_id: str
    versions: tuple[VersionMeta, ...]


class VersionDiff(Value):
    """The changes between two versions of a playbook, part by part."""

    run_id: str
    older: VersionMeta
    newer: VersionMeta
    changes: Diff


def version_number(given: object) -> int | None:
    """Return the number of a version that a URL names, or None if it names none.

    Raises:
        InputError: If `given` is not the number of a version.
    """
    try:
        return None if is_absent(given) else TypeAdapter(Annotated[int, Field(ge=1)]).validate_python(given)
    except ValidationError:
        raise InputError("version: give the number of a version, 1 or higher", "version") from None


@tool(
    "GET", "/runs/{run_id}/versions", title="List versions", read_only=True, in_tool_list=False, errors=(NotFinished,)
)
async def list_versions(run_id: RunId, *, call: Call) -> VersionList:
    """List the versions of a playbook, newest first.

    Each entry says who created the version, when and how, and what changed.
    """
    return VersionList(run_id=run_id, versions=tuple(reversed(await call.runs.versions.listed(run_id))))


class Edited(Value):
    """The version that an edit created. `warnings` says what the checks found. The checks do not change the text."""

    run_id: str
    version: int
    section: str
    warnings: tuple[str, ...]


@tool("GET", "/runs/{run_id}/diff", title="Compare versions", read_only=True, in_tool_list=False, errors=(NotFinished,))
async def diff_versions(
    run_id: RunId,
    from_: Annotated[
        int | None, Field(alias="from", ge=1, description="The older version; default: the version before `to`")
    ] = None,
    to: Annotated[int | None, Field(ge=1, description="The newer version; default: newest")] = None,
    *,
    call: Call,
) -> VersionDiff:
    """Compare two versions of a playbook. By default, compare the newest version with the version before it."""
    older, newer = await call.runs.versions.pair(run_id, from_, to)
    before = await call.runs.finished(run_id, older.number)
    after = await call.runs.finished(run_id, newer.number)
    return VersionDiff(run_id=run_id, older=older, newer=newer, changes=await computed(diff, before, after))


@tool(
    "PUT",
    "/runs/{run_id}/sections/{section}",
    title="Edit a section",
    in_tool_list=False,
    errors=(NotFinished, Outdated),
)
async def edit_section(
    run_id: RunId,
    section: Annotated[
        str, Field(max_length=500, description="'trial_plan', 'email_sequences.persona-1.touches[2]', '...[2].body'")
    ],
    base_version: Annotated[
        int, Field(ge=1, description="The version that you have read; if a newer version exists, the response is 409")
    ],
    text: Annotated[
        str | None,
        Field(
            max_length=MAX_TEXT_CHARACTERS,
            description="The new text. For an e-mail: 'Subject: ...', an empty line, and the body. "
            "For a list of texts: one per line. For anything else: JSON",
        ),
    ] = None,
    content: Annotated[
        AnyJson, Field(description="Instead of `text`: the new value as JSON, with the structure of the old one")
    ] = None,
    by: Annotated[Line, Field(description="The author's name to show in the playbook")] = "",
    *,
    call: Call,
) -> Edited:
    """Replace a section, or part of a section, with your own text, and create a new version of the playbook.

    The text is stored unchanged and is marked as yours. Its claims are checked against the pages that the run has read,
    and e-mails are scored. Problems that the checks find are returned as warnings.
    """
    given = Given(text, content)
    meta, own = await call.runs.versions.edit(run_id, section, given, base=base_version, by=by)
    return Edited(run_id=run_id, version=meta.number, section=own.path, warnings=own.warnings)
