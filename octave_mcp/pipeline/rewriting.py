"""Step 8 of a refresh: drafts stay as far as the pages still say what they cite; what lost that is asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from octave_mcp.asks.corrections import Checked, Checks, Rules, gaps_of
from octave_mcp.asks.mending import Mended, as_answer, follow_on, mended, to_mend
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.domain.drafts import Drafted, Drafts
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.playbook import PersonaDraft
from octave_mcp.domain.prospect import BuyerPersona
from octave_mcp.domain.value import Path, Value, changed, is_within, part_at
from octave_mcp.errors import UpstreamError
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.coherence import without
from octave_mcp.evidence.passages import as_passage
from octave_mcp.evidence.survival import lost, stating, unsupported
from octave_mcp.pipeline.base import Base, cited

if TYPE_CHECKING:
    from octave_mcp.pipeline.writers import Desk

Answers = tuple[Checked[Any] | UpstreamError, ...]

# Of the quotations that an entry is written again from.
SHOWN_CHARACTERS = 3_000
# A draft that lost more claims than this is written again as a whole.
MAX_MENDED = 12


class Part(NamedTuple):
    """What a writer is asked for; `name` is that of the writer in the journal, `rank` that of the persona, from 0.

    Where several parts are asked for together, `places` are theirs in the answer, and `personas` those they are for.
    """

    name: str
    prompts: Sequence[str]
    answer: type[Value]
    into: type[Value]
    rules: Rules[Any]
    rank: int | None = None
    places: tuple[Path, ...] = ((),)
    personas: tuple[BuyerPersona, ...] = ()


class _Loss(NamedTuple):
    """A draft with what is left of its evidence, and the claims that this no longer supports."""

    part: Part
    draft: Drafted[Any]
    cut: Value
    gone: frozenset[Path]


async def rewrite(desk: Desk, base: Base) -> Answers:
    """The drafts in the order of the desk's parts."""
    known = zip(desk.parts, _drafted(base.drafts, desk.personas), strict=True)
    seen = {part.name: await computed(_seen, desk, base, part, draft) for part, draft in known}
    losses = [one for one in seen.values() if isinstance(one, _Loss)]
    mended = await together(*(_mended(desk, base, batch) for batch in _batches(losses)))
    found = {**seen, **{name: checked for batch in mended for name, checked in batch.items()}}
    return await together(*(_written(desk, part, found[part.name]) for part in desk.parts))


async def _written(desk: Desk, part: Part, found: Checked[Any] | _Loss | None) -> Checked[Any] | UpstreamError:
    return found if isinstance(found, Checked) else await desk.write_part(part)


def _batches(losses: Sequence[_Loss]) -> list[list[_Loss]]:
    """What is asked for together: of the deal, and of all personas. The rules for copy are most of such an ask."""
    of_deal = [loss for loss in losses if loss.part.rank is None]
    return [batch for batch in (of_deal, [loss for loss in losses if loss.part.rank is not None]) if batch]


def _drafted(drafts: Drafts, personas: Iterable[BuyerPersona]) -> tuple[Drafted[Any] | None, ...]:
    """Those that there are: none for a persona that is another now."""
    places = {(one.id, one.title): at for at, one in enumerate(drafts.personas)}
    found = [places.get((one.id, one.title)) for one in personas]
    return (
        drafts.summary,
        *drafts.cards,
        *(None if at is None else drafts.sequences[at] for at in found),
        *(None if at is None else drafts.talk_tracks[at] for at in found),
    )


def _seen(desk: Desk, base: Base, part: Part, draft: Drafted[Any] | None) -> Checked[Any] | _Loss | None:
    """The draft as it may stand, or what it has lost; None if it is to be written again as a whole."""
    if draft is None:
        return None
    value: Value = draft.value
    left = lost(value, base.alive)
    state = stating(desk.names.vendor, desk.names.prospect, base.drafts.given, desk.known)
    gone = unsupported(value, left, base.alive, state) if left else frozenset[Path]()
    cut = changed(value, {(*at, "evidence"): ids for at, ids in left.items()})
    if not gone:
        return Checked(cut, _evidence(cut, base.alive), draft.gaps, draft.is_outline)
    can_mend = desk.run.capacity.writes_copy and not draft.is_outline and len(gone) <= MAX_MENDED
    return _Loss(part, draft, cut, gone) if can_mend else None


async def _mended(desk: Desk, base: Base, losses: Sequence[_Loss]) -> dict[str, Checked[Any] | None]:
    """The drafts with what is gone written again, or without it; None for one of which nothing is left."""
    mending = await computed(_Mending, desk, base, losses)
    if mending.found is None:
        each = await together(*(_mended(desk, base, [loss]) for loss in losses if len(losses) > 1))
        return {name: checked for one in each for name, checked in one.items()} or {losses[0].part.name: None}
    done = mending.without_what_is_gone(await mending.made())
    desk.told_written(mending.ask)
    for name, checked in done.items():
        if checked:
            await desk.verification.ask_about_copy(checked, name)
    return done


class _Mending:
    """What is asked about the losses of some drafts; `found` is None if that is too much for one ask."""

    def __init__(self, desk: Desk, base: Base, losses: Sequence[_Loss]) -> None:
        self._desk, self._base, self._losses = desk, base, losses
        self._part = part = desk.joint([loss.part for loss in losses])
        self._run = desk.run.within(part.name)
        shown = _shown(desk, base, [loss.cut for loss in losses])
        numbers = {one.id: number for number, one in enumerate(shown, 1)}
        self.ask = desk.ask_for_part(part, tuple(as_passage(one, numbers[one.id]) for one in shown))
        judge = self._run.judge(self.ask.passages, tuple(one.role for one in shown), desk.known, desk.names.by_role)
        self._checks = Checks(judge, part.into, part.rules, self.ask.language)
        drafts = [as_answer(loss.cut, loss.part.answer, numbers) for loss in losses]
        self._given = _whole(part.answer, part.places, drafts)
        self._lost = [_lost(loss, at, place, base) for loss, place in self._placed for at in sorted(loss.gone, key=str)]
        self.found = to_mend(self._given, self.ask, [*self._lost, *follow_on(self._given, self._checks)], desk.known)

    @property
    def _placed(self) -> list[tuple[_Loss, Path]]:
        return list(zip(self._losses, self._part.places, strict=True))

    async def made(self) -> Mended:
        try:
            return await mended(self._given, self.found or (), self.ask, self._checks, self._run.asks("mend"))
        except UpstreamError:
            return Mended({}, (), tuple(self._lost))

    def without_what_is_gone(self, new: Mended) -> dict[str, Checked[Any] | None]:
        """The drafts with their new entries."""
        return {loss.part.name: _with_new(loss, at, new, self._base, self._desk) for loss, at in self._placed}


def _whole(form: type[Value], places: Sequence[Path], parts: Sequence[Value]) -> Value:
    """An answer that has these parts in these places, and nothing else."""
    if places == ((),):
        return parts[0]
    tree: dict[str, Any] = dict.fromkeys(form.model_fields)
    for (name, *below), part in zip(places, parts, strict=True):
        if below:
            tree[str(name)] = (tree[str(name)] or dict.fromkeys(PersonaDraft.model_fields)) | {below[0]: part}
        else:
            tree[str(name)] = part
    return form.model_validate(tree)


def _with_new(loss: _Loss, place: Path, new: Mended, base: Base, desk: Desk) -> Checked[Any] | None:
    """The draft with its new entries, and without what nobody wrote again."""
    start = len(place)
    entries = {at[start:]: entry for at, entry in new.entries.items() if is_within(at, place)}
    gone = {at for at in loss.gone if not any(is_within(at, entry) for entry in entries)}
    language = desk.run.request.language
    left = without(changed(loss.cut, entries), gone, known=desk.known, language=language).value
    if left is None:
        return None
    dropped = [problem for problem in new.dropped if is_within(problem.at, place)]
    evidence = {one.id: one for one in new.evidence} | base.alive
    gaps = (*loss.draft.gaps, *gaps_of(loss.part.prompts[0], dropped))
    return Checked(left, _evidence(left, evidence), gaps, loss.draft.is_outline)


def _lost(loss: _Loss, at: Path, place: Path, base: Base) -> Problem:
    """The complaint about an entry: what it cites that the pages no longer say."""
    ids: tuple[EvidenceId, ...] = getattr(part_at(loss.draft.value, at), "evidence", ())
    quotes = "; ".join(f'"{base.drafts.evidence[i].quote}"' for i in ids if i not in base.alive)
    told = f"the pages no longer say {quotes}, which it cites: write what they say now instead, or leave it out"
    return Problem("D1", told, (*place, *at))


def _shown(desk: Desk, base: Base, cut: Sequence[Value]) -> tuple[Evidence, ...]:
    """The quotations to write from: what the drafts cite, then what is new, then all else, as far as there is room."""
    found = {one.id: one for value in cut for one in _evidence(value, base.alive)}
    new = [one for one in desk.quotable if one.id not in base.alive]
    size = sum(len(one.quote) for one in found.values())
    for one in (*new, *desk.quotable):
        if one.id not in found and size + len(one.quote) <= SHOWN_CHARACTERS:
            size += len(one.quote)
            found[one.id] = one
    return tuple(found.values())


def _evidence(value: Value, known: Mapping[EvidenceId, Evidence]) -> tuple[Evidence, ...]:
    return tuple(known[i] for i in dict.fromkeys(cited(value)) if i in known)
