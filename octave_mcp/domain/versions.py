"""The versions of a playbook: each is whole, and says who made it from which one before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from octave_mcp.domain.drafts import Drafts
from octave_mcp.domain.playbook import SECTIONS, Playbook
from octave_mcp.domain.value import Value
from octave_mcp.errors import Outdated

Made = Literal["generated", "revised", "edited", "refreshed"]

# Sections that differ in each version, whether a model or a person makes it.
_IN_EACH = frozenset({"cost", "timings", "own_text"})


class VersionMeta(Value):
    """A version in a list. Numbers count from 1; each version is based on the one before it.

    `by` is the model that wrote it, or the person. `section` and `instruction` are what was asked for, '' if that was
    the whole playbook. `run_id` is the run that made it, which may be another than the one whose playbook it is; None
    if a person made it. `changed` are the sections that differ from the version before.
    """

    number: int
    made: Made
    based_on: int | None
    by: str
    section: str = ""
    instruction: str = ""
    at: datetime
    run_id: str | None
    changed: tuple[str, ...] = ()


class Version(Value):
    """A playbook with the drafts that it was put together from.

    `drafts` are what models wrote: a person's text is in the playbook alone. None if an earlier release made it.
    """

    meta: VersionMeta
    playbook: Playbook
    drafts: Drafts | None


def first_version(run_id: str, playbook: Playbook, drafts: Drafts | None) -> Version:
    at = datetime.now(UTC)
    meta = VersionMeta(number=1, made="generated", based_on=None, by=playbook.written_by, at=at, run_id=run_id)
    return Version(meta=meta, playbook=playbook, drafts=drafts)


def next_version(
    base: Version,
    playbook: Playbook,
    *,
    made: Made,
    by: str,
    run_id: str | None,
    section: str = "",
    instruction: str = "",
    drafts: Drafts | None = None,
) -> Version:
    """The version after `base`; without `drafts` it has those of `base`."""
    meta = VersionMeta(
        number=base.meta.number + 1,
        made=made,
        based_on=base.meta.number,
        by=by,
        section=section,
        instruction=instruction,
        at=datetime.now(UTC),
        run_id=run_id,
        changed=changed_sections(base.playbook, playbook),
    )
    return Version(meta=meta, playbook=playbook, drafts=drafts or base.drafts)


def changed_sections(before: Playbook, after: Playbook) -> tuple[str, ...]:
    return tuple(name for name in SECTIONS if name not in _IN_EACH and getattr(before, name) != getattr(after, name))


def check_base(run_id: str, base: int, metas: Sequence[VersionMeta]) -> None:
    """`metas` are the versions of the run's playbook.

    Raises:
        Outdated: the base is not the newest; the text says who has changed what since.
    """
    newest = metas[-1].number if metas else 0
    if base != newest:
        raise Outdated(
            f"version {base} of the playbook of run {run_id!r} is not the newest: {_since(metas[base:])}. "
            f"Nothing was changed: read version {newest}, and make the change again with that as its base"
        )


def _since(metas: Sequence[VersionMeta]) -> str:
    """What these versions changed, in words: who, when, and which sections."""
    return "; ".join(map(_in_words, metas))


def _in_words(meta: VersionMeta) -> str:
    day = meta.at.astimezone(UTC)
    what = meta.section or ", ".join(meta.changed) or "the playbook"
    return f"version {meta.number} by {meta.by or 'a person'} on {day:%Y-%m-%d %H:%M} UTC ({meta.made} {what})"
