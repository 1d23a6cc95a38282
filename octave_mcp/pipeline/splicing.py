"""Puts parts of drafts that were written again into a playbook; all else of it, and what people wrote, stays."""

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
_OF_BODY = ("body", "sentences", "call_to_action", "score")
# What parts of a draft are called that are no outlines, though the rest of it may be one.
_COPY = ("email", "summary")
_THIN, _DROPPED = "low_confidence", "dropped_by_check"


class Rewritten(NamedTuple):
    """Parts of drafts as they were written again, and the evidence of them; `given` is what was asked for."""

    parts: Mapping[Origin, object]
    evidence: Mapping[EvidenceId, Evidence]
    given: str


def check_not_own(playbook: Playbook, path: Path, run_id: str) -> None:
    """Raises: InputError: a person wrote it, or what it is in; the text says how to replace it."""
    for own in playbook.own_text:
        if any(is_within(path, at) for at in _own(playbook, (own,))):
            raise InputError(
                f"{own.path} is own text of {own.by or 'a person'} since version {own.version}, which no model "
                f"changes; to replace it, edit that part of run {run_id}"
            )


class Spliced(NamedTuple):
    """A playbook with new parts, and its drafts with them."""

    playbook: Playbook
    drafts: Drafts


def spliced(playbook: Playbook, drafts: Drafts, new: Rewritten) -> Spliced:
    """The playbook with the parts in place of those that it has, and its drafts.

    Raises:
        BadAnswer: a part breaks a rule for which it would not stand in a playbook.
    """
    is_thin = any(flag.code == _THIN and "prospect" in flag.companies for flag in playbook.flags)
    whole, units = ([one for one in new.parts if one.is_unit and bool(one.at) == at] for at in (False, True))
    now = _as_copy(_with_parts(drafts, new), () if is_thin else whole)
    copied = [one for one in new.parts if getattr(part_at(playbook, one.unit), "kind", "") in _COPY]
    before, after = assets(_as_copy(drafts, copied)), assets(_as_copy(now, [*copied, *(() if is_thin else units)]))
    found = playbook
    for origin in new.parts:
        part = _put_together(after, playbook, origin, before)
        found = changed(found, {origin.unit: part})
    found = found.model_copy(update={"gaps": _gaps(playbook.gaps, before.gaps, after.gaps, new.parts)})
    found = found.model_copy(update={"evidence": _evidence(playbook, found, now)})
    return Spliced(_followed(playbook, found, before, after), now)


def _with_parts(drafts: Drafts, new: Rewritten) -> Drafts:
    parts = {origin.path: part for origin, part in new.parts.items()}
    more = {"evidence": {**drafts.evidence, **new.evidence}, "given": drafts.given_with(new.given)}
    return changed(drafts, parts).model_copy(update=more)


def _as_copy(drafts: Drafts, origins: Sequence[Origin]) -> Drafts:
    """Where all of an outline was written again, it is copy now."""
    return changed(drafts, {(*origin.draft, "is_outline"): False for origin in origins})


def _put_together(after: Assets, playbook: Playbook, origin: Origin, before: Assets) -> object:
    """The unit of the part, with all in it that did not change as the playbook has it."""
    base = part_at(playbook, origin.unit)
    was, now = (_counterpart(one, playbook, origin.unit) for one in (before, after))
    dropped = "; ".join(gap.reason for gap in after.gaps if gap not in before.gaps and gap.code == _DROPPED)
    is_lost = now is None or (_says_something(base) and not _says_something(now))
    if is_lost or (origin.writer == "card" and origin.at and dropped):
        raise BadAnswer(dropped or "none of it can be used")
    return _with_own(playbook, origin.unit, merged(base, was, now))


def _says_something(part: object) -> bool:
    return any(isinstance(one, Sentence) for one in walk(part))


def _counterpart(found: Assets, playbook: Playbook, unit: Path) -> object:
    """What stands there for a part of the playbook; None if it was dropped."""
    value: object = getattr(found, str(unit[0]))
    for length, step in enumerate(unit[1:], 1):
        if isinstance(step, str):
            value = getattr(value, step)
        elif (place := _place(cast("Sequence[object]", value), part_at(playbook, unit[: length + 1]), step)) is None:
            return None
        else:
            value = cast("Sequence[object]", value)[place]
    return value


def _place(entries: Sequence[object], entry: object, at: int) -> int | None:
    """The place of the same entry."""
    wanted = identity(entry)
    if wanted is None:
        return at if at < len(entries) else None
    return next((place for place, one in enumerate(entries) if identity(one) == wanted), None)


def merged(base: Any, before: Any, after: Any) -> Any:  # noqa: ANN401 - whatever a playbook holds
    """The base with what changed from before to after; a finding changes as a whole, with its verdict."""
    if before == after:
        return base
    if base == before or not type(base) is type(before) is type(after):
        return after
    if isinstance(after, tuple):
        return _merged_list(base, before, cast("tuple[Any, ...]", after))
    if not isinstance(after, Value) or "evidence" in type(after).model_fields:
        return cast("Any", after)
    names = type(after).model_fields
    return base.model_copy(update={n: merged(*(getattr(one, n) for one in (base, before, after))) for n in names})


def _merged_list(base: tuple[Any, ...], before: tuple[Any, ...], after: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(base) == len(before) == len(after):
        return tuple(merged(*each) for each in zip(base, before, after, strict=True))
    if any(not isinstance(one, str) for one in (*base, *after)):
        return after
    return (*(one for one in base if one not in before or one in after), *(one for one in after if one not in before))


def _with_own(playbook: Playbook, unit: Path, part: object) -> object:
    """The part with all in it that people wrote."""
    for at in _own(playbook, playbook.own_text):
        if is_within(at, unit):
            part = _kept(part, part_at(playbook, unit), at[len(unit) :])
    return part


def _own(playbook: Playbook, texts: Sequence[OwnText]) -> Iterator[Path]:
    """Where people's texts are, and what the checks made of them: the sentences of an e-mail are those of its body."""
    for own in texts:
        at = place_of(playbook, own.path)
        names = _OF_BODY if isinstance(part_at(playbook, at[:-1]), Touch) and at[-1] == "body" else at[-1:]
        yield from ((*at[:-1], name) for name in names)


def _kept(part: Any, base: Any, path: Path) -> Any:  # noqa: ANN401 - whatever a playbook holds
    """The part with what the base has at the path, where the same entry of a list may have another place."""
    if not path or part is None:
        return base
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        return part.model_copy(update={step: _kept(getattr(part, step), getattr(base, step), rest)})
    place, entry = _place(part, base[step], step), base[step]
    if place is None:
        return (*part[:step], entry, *part[step:])
    return (*part[:place], _kept(part[place], entry, rest), *part[place + 1 :])


def _gaps(
    base: Sequence[Gap], before: Sequence[Gap], after: Sequence[Gap], parts: Mapping[Origin, object]
) -> tuple[Gap, ...]:
    """Those of sections that were written again as a whole are as they are now; one e-mail changes none."""
    sections = {str(origin.unit[0]) for origin in parts if origin.writer != "sequence" or not origin.at}

    def changes(gap: Gap, now: Sequence[Gap]) -> bool:
        return gap not in now and any(gap.is_in(section) for section in sections)

    kept = (gap for gap in base if not (gap in before and changes(gap, after)))
    return (*kept, *(gap for gap in after if changes(gap, before)))


def _evidence(base: Playbook, new: Playbook, drafts: Drafts) -> dict[EvidenceId, Evidence]:
    """What the base has, and what is cited now: nothing is taken away."""
    cited = dict.fromkeys(one for one in cited_ids(new) if one not in base.evidence)
    return {**base.evidence, **{one: drafts.evidence[one] for one in cited}}


def _followed(base: Playbook, new: Playbook, before: Assets, after: Assets) -> Playbook:
    """With what is put together from its other sections, as far as these have changed."""
    was, now = (_qualified(one) for one in (base, new))
    more: dict[str, object] = {"qualification": merged(base.qualification, was, now)}
    if new.talk_tracks != base.talk_tracks:
        rows = merged(new.fit.value_map, before.fit.value_map, after.fit.value_map)
        more["fit"] = new.fit.model_copy(update={"value_map": rows})
    found = with_every_verdict(new.model_copy(update=_with_own_sections(base, more)), by_model=False)
    known = Known(base.brief.vendor_does if base.brief else None, (), ())
    was, now = (brief(one, before.by_weight, known) for one in (base, found))
    follows: dict[str, object] = {"brief": merged(base.brief, was, now)} if base.brief and was and now else {}
    return found.model_copy(update=_with_own_sections(base, follows))


def _qualified(playbook: Playbook) -> Value:
    return qualification(
        playbook.buying_committee, playbook.prospect_intelligence, playbook.battle_cards, playbook.talk_tracks
    )


def _with_own_sections(base: Playbook, sections: Mapping[str, object]) -> dict[str, object]:
    return {name: _with_own(base, (name,), section) for name, section in sections.items()}
