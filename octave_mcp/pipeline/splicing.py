"""Inserts revised parts into a playbook. The rest of the playbook and all text that people wrote stay unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from octave_mcp.copywriting.assembly import Assets, assets
from octave_mcp.copywriting.briefing import Known, brief
from octave_mcp.copywriting.origins import Origin, identity
from octave_mcp.copywriting.qualification import qualification
from octave_mcp.domain.drafts import Drafts
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.notices import Gap, OwnText
from octave_mcp.domain.parts import place_of
from octave_mcp.domain.playbook import Playbook, Touch
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, changed, is_within, part_at, walk
from octave_mcp.errors import BadAnswer, InputError
from octave_mcp.pipeline.verdicts import with_every_verdict
from octave_mcp.pipeline.write_playbook import cited_ids

T = TypeVar("T")
# The body of an e-mail, and the fields that the checks derive from the body. If a person wrote the body, all of these
# fields stay unchanged.
_BODY_FIELDS = ("body", "sentences", "call_to_action", "score")
# A part of the playbook with one of these kinds is finished sales copy, even if its draft is still an outline.
_COPY_KINDS = ("email", "summary")
_THIN, _DROPPED = "low_confidence", "dropped_by_check"


class Rewritten(NamedTuple):
    """Revised parts of drafts, with their evidence. `given` is the user's instruction for the revision."""

    parts: Mapping[Origin, object]
    evidence: Mapping[EvidenceId, Evidence]
    given: str


def check_not_own(playbook: Playbook, path: Path, run_id: str) -> None:
    """Check that the part at this path is not text that a person wrote, and is not within such text.

    Raises:
        InputError: If a person wrote the part. The error text says how to replace the part.
    """
    for own in playbook.own_text:
        if any(is_within(path, at) for at in _own(playbook, (own,))):
            raise InputError(
                f"{own.path} was written by {own.by or 'a person'} in version {own.version}, and models must not "
                f"change text that people wrote; to replace the text, edit this part of run {run_id}"
            )


class Spliced(NamedTuple):
    """A playbook and its drafts, both with the revised parts."""

    playbook: Playbook
    drafts: Drafts


def spliced(playbook: Playbook, drafts: Drafts, new: Rewritten) -> Spliced:
    """Replace parts of the playbook and its drafts.

    The sections are assembled twice, from the old drafts and from the new drafts, and only the differences are applied
    to the playbook. Replacing whole sections would lose changes that the drafts do not contain: texts that people
    edited, and verdicts that were added after the sections were assembled.

    Raises:
        BadAnswer: If the checks drop a new part or all of its sentences.
    """
    is_thin = any(flag.code == _THIN and "prospect" in flag.companies for flag in playbook.flags)
    whole, units = ([part for part in new.parts if part.is_unit and bool(part.at) == at] for at in (False, True))
    now = _as_copy(_with_parts(drafts, new), () if is_thin else whole)
    copied = [part for part in new.parts if getattr(part_at(playbook, part.unit), "kind", "") in _COPY_KINDS]
    before, after = assets(_as_copy(drafts, copied)), assets(_as_copy(now, [*copied, *(() if is_thin else units)]))
    result = playbook
    for origin in new.parts:
        part = _assembled(after, playbook, origin, before)
        result = changed(result, {origin.unit: part})
    result = result.model_copy(update={"gaps": _gaps(playbook.gaps, before.gaps, after.gaps, new.parts)})
    result = result.model_copy(update={"evidence": _evidence(playbook, result, now)})
    return Spliced(_with_dependents(playbook, result, before, after), now)


def _with_parts(drafts: Drafts, new: Rewritten) -> Drafts:
    parts = {origin.path: part for origin, part in new.parts.items()}
    more = {"evidence": {**drafts.evidence, **new.evidence}, "given": drafts.given_with(new.given)}
    return changed(drafts, parts).model_copy(update=more)


def _as_copy(drafts: Drafts, origins: Sequence[Origin]) -> Drafts:
    """Mark drafts as finished sales copy instead of outlines."""
    return changed(drafts, {(*origin.draft, "is_outline"): False for origin in origins})


def _assembled(after: Assets, playbook: Playbook, origin: Origin, before: Assets) -> object:
    """Apply the differences between the old and the new drafts to one part of the playbook."""
    base = part_at(playbook, origin.unit)
    was, now = (_counterpart(side, playbook, origin.unit) for side in (before, after))
    dropped = "; ".join(gap.reason for gap in after.gaps if gap not in before.gaps and gap.code == _DROPPED)
    is_lost = now is None or (_says_something(base) and not _says_something(now))
    if is_lost or (origin.writer == "card" and origin.at and dropped):
        raise BadAnswer(dropped or "none of the new text can be used")
    return _with_own(playbook, origin.unit, merged(base, was, now))


def _says_something(part: object) -> bool:
    return any(isinstance(value, Sentence) for value in walk(part))


def _counterpart(assembled: Assets, playbook: Playbook, unit: Path) -> object:
    """Find the part of `assembled` that corresponds to the playbook's part at the path `unit`.

    Return None if the checks dropped the part while the sections were assembled.
    """
    value: object = getattr(assembled, str(unit[0]))
    for length, step in enumerate(unit[1:], 1):
        if isinstance(step, str):
            value = getattr(value, step)
        elif (place := _place(cast("Sequence[object]", value), part_at(playbook, unit[: length + 1]), step)) is None:
            return None
        else:
            value = cast("Sequence[object]", value)[place]
    return value


def _place(entries: Sequence[object], entry: object, at: int) -> int | None:
    """Return the index of the entry that has the same identity as `entry`.

    The index can differ from `at`, because the checks can drop entries that precede this entry in the list.
    """
    wanted = identity(entry)
    if wanted is None:
        return at if at < len(entries) else None
    return next((place for place, other in enumerate(entries) if identity(other) == wanted), None)


def merged(base: Any, before: Any, after: Any) -> Any:  # noqa: ANN401 - whatever a playbook holds
    """Apply the changes between `before` and `after` to `base` (a three-way merge).

    A finding is replaced as a whole, because its verdict and evidence apply only to its exact text.
    """
    if before == after:
        return base
    if base == before or not type(base) is type(before) is type(after):
        return after
    if isinstance(after, tuple):
        return _merged_list(base, before, cast("tuple[Any, ...]", after))
    if not isinstance(after, Value) or "evidence" in type(after).model_fields:
        return cast("Any", after)
    names = type(after).model_fields
    return base.model_copy(update={n: merged(*(getattr(value, n) for value in (base, before, after))) for n in names})


def _merged_list(base: tuple[Any, ...], before: tuple[Any, ...], after: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(base) == len(before) == len(after):
        return tuple(merged(*each) for each in zip(base, before, after, strict=True))
    if any(not isinstance(entry, str) for entry in (*base, *after)):
        return after
    retained = (entry for entry in base if entry not in before or entry in after)
    return (*retained, *(entry for entry in after if entry not in before))


def _with_own(playbook: Playbook, unit: Path, part: object) -> object:
    """Return the part with all human-written texts restored."""
    for at in _own(playbook, playbook.own_text):
        if is_within(at, unit):
            part = _restored(part, part_at(playbook, unit), at[len(unit) :])
    return part


def _own(playbook: Playbook, texts: Sequence[OwnText]) -> Iterator[Path]:
    """Yield the paths of texts that people wrote, and of fields that the checks derive from these texts."""
    for own in texts:
        at = place_of(playbook, own.path)
        names = _BODY_FIELDS if isinstance(part_at(playbook, at[:-1]), Touch) and at[-1] == "body" else at[-1:]
        yield from ((*at[:-1], name) for name in names)


def _restored(part: Any, base: Any, path: Path) -> Any:  # noqa: ANN401 - whatever a playbook holds
    """Return a copy of `part` in which the value at `path` comes from `base`.

    List entries are matched by identity, not by index.
    """
    if not path or part is None:
        return base
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        return part.model_copy(update={step: _restored(getattr(part, step), getattr(base, step), rest)})
    place, entry = _place(part, base[step], step), base[step]
    if place is None:
        return (*part[:step], entry, *part[step:])
    return (*part[:place], _restored(part[place], entry, rest), *part[place + 1 :])


def _gaps(
    base: Sequence[Gap], before: Sequence[Gap], after: Sequence[Gap], parts: Mapping[Origin, object]
) -> tuple[Gap, ...]:
    """Update the gaps of revised sections.

    The revision of a single e-mail changes no gaps, because gaps are about the whole sequence.
    """
    sections = {str(origin.unit[0]) for origin in parts if origin.writer != "sequence" or not origin.at}

    def changes(gap: Gap, now: Sequence[Gap]) -> bool:
        return gap not in now and any(gap.is_in(section) for section in sections)

    retained = (gap for gap in base if not (gap in before and changes(gap, after)))
    return (*retained, *(gap for gap in after if changes(gap, before)))


def _evidence(base: Playbook, new: Playbook, drafts: Drafts) -> dict[EvidenceId, Evidence]:
    """Return all evidence of the base playbook, plus the new evidence that the revised playbook cites."""
    added = dict.fromkeys(id_ for id_ in cited_ids(new) if id_ not in base.evidence)
    return {**base.evidence, **{id_: drafts.evidence[id_] for id_ in added}}


def _with_dependents(base: Playbook, new: Playbook, before: Assets, after: Assets) -> Playbook:
    """Update the sections that are derived from revised sections: qualification, fit and brief."""
    was, now = (_qualified(playbook) for playbook in (base, new))
    more: dict[str, object] = {"qualification": merged(base.qualification, was, now)}
    if new.talk_tracks != base.talk_tracks:
        rows = merged(new.fit.value_map, before.fit.value_map, after.fit.value_map)
        more["fit"] = new.fit.model_copy(update={"value_map": rows})
    judged = with_every_verdict(new.model_copy(update=_with_own_sections(base, more)), by_model=False)
    known = Known(base.brief.vendor_does if base.brief else None, (), ())
    was, now = (brief(playbook, before.by_weight, known) for playbook in (base, judged))
    briefs: dict[str, object] = {"brief": merged(base.brief, was, now)} if base.brief and was and now else {}
    return judged.model_copy(update=_with_own_sections(base, briefs))


def _qualified(playbook: Playbook) -> Value:
    return qualification(
        playbook.buying_committee, playbook.prospect_intelligence, playbook.battle_cards, playbook.talk_tracks
    )


def _with_own_sections(base: Playbook, sections: Mapping[str, object]) -> dict[str, object]:
    return {name: _with_own(base, (name,), section) for name, section in sections.items()}
