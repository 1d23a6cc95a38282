"""Versions of a playbook. Each version is a complete playbook with its author and base version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from octave_mcp.domain.drafts import Drafts
from octave_mcp.domain.playbook import SECTIONS, Playbook
from octave_mcp.domain.value import Value
from octave_mcp.domain.version_meta import Made, VersionMeta
from octave_mcp.errors import Outdated

# These sections only record how a version was made, so they are not listed as changed.
_UNLISTED = frozenset({"cost", "timings", "own_text"})


class Version(Value):
    """A version of a playbook with the drafts from which it was assembled.

    `drafts` contains only texts written by models; texts written by people are only in `playbook`. `drafts` is None if
    an older release made the version.
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
    """Return a new version that is based on `base`. If `drafts` is None, the new version has the drafts of `base`."""
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
    return tuple(name for name in SECTIONS if name not in _UNLISTED and getattr(before, name) != getattr(after, name))


def check_base(run_id: str, base: int, metas: Sequence[VersionMeta]) -> None:
    """Check that `base` is the number of the playbook's newest version.

    Raises:
        Outdated: If there is a newer version. The message lists the changes since `base` and who made them.
    """
    newest = metas[-1].number if metas else 0
    if base != newest:
        raise Outdated(
            f"version {base} of the playbook of run {run_id!r} is not the newest: {_since(metas[base:])}. "
            f"Nothing was changed: read version {newest} and repeat the change with that version as the base version"
        )


def _since(metas: Sequence[VersionMeta]) -> str:
    """For each version, say who changed which sections, and when."""
    return "; ".join(map(_in_words, metas))


def _in_words(meta: VersionMeta) -> str:
    day = meta.at.astimezone(UTC)
    what = meta.section or ", ".join(meta.changed) or "the playbook"
    return f"version {meta.number} by {meta.by or 'a person'} on {day:%Y-%m-%d %H:%M} UTC ({meta.made} {what})"
