"""Step 8 of a refresh: retain drafts that the pages still support, and rewrite only claims that lost their evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from octave_mcp.asks.corrections import Checked, Checks, gaps_of
from octave_mcp.asks.evidence_repairs import Repaired, as_answer, follow_on, repaired_entries, to_repair
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.domain.drafts import Drafted, Drafts
from octave_mcp.domain.evidence import Evidence, EvidenceId, cited_in
from octave_mcp.domain.playbook import PersonaDraft
from octave_mcp.domain.prospect import BuyerPersona
from octave_mcp.domain.value import Path, Value, changed, is_within, part_at
from octave_mcp.errors import UpstreamError
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.coherence import without
from octave_mcp.evidence.passages import as_passage
from octave_mcp.evidence.survival import lost, stating, unsupported
from octave_mcp.pipeline.base import Base
from octave_mcp.pipeline.draft_asks import Answers, Part, completed

if TYPE_CHECKING:
    from octave_mcp.pipeline.writers import DraftWriter

# A model that rewrites claims always sees the quotations that the drafts still cite. Other quotations are added up to
# this total number of characters.
MAX_SHOWN_CHARACTERS = 3_000
# If a draft has lost more claims than this, the whole draft is rewritten.
MAX_LOST_CLAIMS = 12


class _Loss(NamedTuple):
    """A draft in which some claims have lost their evidence.

    - `cut`: the draft after removing the ids of evidence that is no longer on the pages.
    - `lost_paths`: the paths of the claims that the remaining evidence does not support.
    """

    part: Part
    draft: Drafted[Any]
    cut: Value
    lost_paths: frozenset[Path]


async def rewrite(writer: DraftWriter, base: Base) -> Answers:
    """Retain, repair or rewrite each draft, and return all drafts in the same order as `writer.parts`."""
    pairs = zip(writer.parts, _drafted(base.drafts, writer.personas), strict=True)
    assessed = {part.name: await computed(_assessed, writer, base, part, draft) for part, draft in pairs}
    losses = [draft for draft in assessed.values() if isinstance(draft, _Loss)]
    batches = await together(*(_repaired(writer, base, batch) for batch in _batches(losses)))
    drafts = {**assessed, **{name: checked for batch in batches for name, checked in batch.items()}}
    kept = {part: draft for part in writer.parts if isinstance(draft := drafts[part.name], Checked)}
    missing = [part for part in writer.parts if part not in kept]
    answers = await together(writer.write_parts(missing), *(completed(writer, *each) for each in kept.items()))
    by_part = dict(zip((*missing, *kept), chain.from_iterable(answers), strict=True))
    return tuple(by_part[part] for part in writer.parts)


def _batches(losses: Sequence[_Loss]) -> list[list[_Loss]]:
    """Divide the drafts with lost claims into at most two asks: drafts about the deal, and drafts for personas.

    A separate ask for each draft would cost more, because the rules for sales copy make up most of each ask.
    """
    of_deal = [loss for loss in losses if loss.part.rank is None]
    return [batch for batch in (of_deal, [loss for loss in losses if loss.part.rank is not None]) if batch]


def _drafted(drafts: Drafts, personas: Iterable[BuyerPersona]) -> tuple[Drafted[Any] | None, ...]:
    """Return the earlier draft for each part, or None if the persona's title has changed."""
    places = {(persona.id, persona.title): at for at, persona in enumerate(drafts.personas)}
    ranks = [places.get((persona.id, persona.title)) for persona in personas]
    return (
        drafts.summary,
        *drafts.cards,
        *(None if at is None else drafts.sequences[at] for at in ranks),
        *(None if at is None else drafts.talk_tracks[at] for at in ranks),
    )


def _assessed(writer: DraftWriter, base: Base, part: Part, draft: Drafted[Any] | None) -> Checked[Any] | _Loss | None:
    """Decide whether a draft is retained, repaired or rewritten.

    Return a `Checked` draft if it can stay, a `_Loss` if claims must be replaced, or None if the draft must be
    rewritten.
    """
    if draft is None:
        return None
    value: Value = draft.value
    left = lost(value, base.current_evidence)
    state = stating(writer.names.vendor, writer.names.prospect, base.drafts.given, writer.known)
    lost_paths = unsupported(value, left, base.current_evidence, state) if left else frozenset[Path]()
    cut = changed(value, {(*at, "evidence"): ids for at, ids in left.items()})
    if not lost_paths:
        return Checked(cut, _evidence(cut, base.current_evidence), draft.gaps, draft.is_outline)
    can_repair = writer.run.capacity.writes_copy and not draft.is_outline and len(lost_paths) <= MAX_LOST_CLAIMS
    return _Loss(part, draft, cut, lost_paths) if can_repair else None


async def _repaired(writer: DraftWriter, base: Base, losses: Sequence[_Loss]) -> dict[str, Checked[Any] | None]:
    """Return each draft with its lost claims rewritten or dropped, or None if nothing of the draft is left."""
    repair = await computed(_Repair, writer, base, losses)
    if repair.claims is None:
        each = await together(*(_repaired(writer, base, [loss]) for loss in losses if len(losses) > 1))
        return {name: checked for drafts in each for name, checked in drafts.items()} or {losses[0].part.name: None}
    done = repair.applied(await repair.made())
    writer.report_written(repair.ask)
    for name, checked in done.items():
        if checked:
            await writer.verification.ask_about_copy(checked, name)
    return done


class _Repair:
    """An ask for new claims that replace the lost claims of some drafts.

    `claims` is None if the claims do not fit into one ask.
    """

    def __init__(self, writer: DraftWriter, base: Base, losses: Sequence[_Loss]) -> None:
        self._writer, self._base, self._losses = writer, base, losses
        self._part = part = writer.joint([loss.part for loss in losses])
        self._run = writer.run.within(part.name)
        shown = _shown(writer, base, [loss.cut for loss in losses])
        numbers = {item.id: number for number, item in enumerate(shown, 1)}
        self.ask = writer.ask_for_part(part, tuple(as_passage(item, numbers[item.id]) for item in shown))
        judge = self._run.judge(
            self.ask.passages, tuple(item.role for item in shown), writer.known, writer.names.by_role
        )
        self._checks = Checks(judge, part.into, part.rules, self.ask.language)
        drafts = [as_answer(loss.cut, loss.part.answer, numbers) for loss in losses]
        self._given = _whole(part.answer, part.places, drafts)
        self._lost = [
            _lost(loss, at, place, base) for loss, place in self._placed for at in sorted(loss.lost_paths, key=str)
        ]
        # Also replace texts that depend on lost claims, such as a subject line with a figure from a lost sentence.
        self.claims = to_repair(
            self._given, self.ask, [*self._lost, *follow_on(self._given, self._checks)], writer.known
        )

    @property
    def _placed(self) -> list[tuple[_Loss, Path]]:
        return list(zip(self._losses, self._part.places, strict=True))

    async def made(self) -> Repaired:
        """Ask the model for new claims to replace the lost claims.

        If the model fails, drop the lost claims, because the rest of each draft is still good.
        """
        try:
            return await repaired_entries(
                self._given, self.claims or (), self.ask, self._checks, self._run.asks("mend")
            )
        except UpstreamError:
            return Repaired({}, (), tuple(self._lost))

    def applied(self, new: Repaired) -> dict[str, Checked[Any] | None]:
        """Replace or drop the lost claims, and return the drafts, keyed by name."""
        return {loss.part.name: _with_new(loss, at, new, self._base, self._writer) for loss, at in self._placed}


def _whole(form: type[Value], places: Sequence[Path], parts: Sequence[Value]) -> Value:
    """Return an answer that contains only these drafts, each at its path."""
    if places == ((),):
        return parts[0]
    tree: dict[str, Any] = dict.fromkeys(form.model_fields)
    for (name, *below), part in zip(places, parts, strict=True):
        if below:
            tree[str(name)] = (tree[str(name)] or dict.fromkeys(PersonaDraft.model_fields)) | {below[0]: part}
        else:
            tree[str(name)] = part
    return form.model_validate(tree)


def _with_new(loss: _Loss, place: Path, new: Repaired, base: Base, writer: DraftWriter) -> Checked[Any] | None:
    """Insert the new claims into the draft, and drop lost claims that no new claim replaces."""
    start = len(place)
    entries = {at[start:]: entry for at, entry in new.entries.items() if is_within(at, place)}
    lost_paths = {at for at in loss.lost_paths if not any(is_within(at, entry) for entry in entries)}
    language = writer.run.request.language
    left = without(changed(loss.cut, entries), lost_paths, known=writer.known, language=language).value
    if left is None:
        return None
    dropped = [problem for problem in new.dropped if is_within(problem.at, place)]
    evidence = {item.id: item for item in new.evidence} | base.current_evidence
    gaps = (*loss.draft.gaps, *gaps_of(loss.part.prompts[0], dropped))
    return Checked(left, _evidence(left, evidence), gaps, loss.draft.is_outline)


def _lost(loss: _Loss, at: Path, place: Path, base: Base) -> Problem:
    """Tell the model which quotations of a lost claim are no longer on the pages."""
    ids: tuple[EvidenceId, ...] = getattr(part_at(loss.draft.value, at), "evidence", ())
    quotes = "; ".join(f'"{base.drafts.evidence[i].quote}"' for i in ids if i not in base.current_evidence)
    text = f"the pages no longer say {quotes}, which it cites: write what they say now instead, or leave it out"
    return Problem("D1", text, (*place, *at))


def _shown(writer: DraftWriter, base: Base, cut: Sequence[Value]) -> tuple[Evidence, ...]:
    """Return the quotations that the model can use, up to `MAX_SHOWN_CHARACTERS`.

    Quotations that the drafts cite come first, then quotations from new text on the pages, and then all others.
    """
    shown = {item.id: item for value in cut for item in _evidence(value, base.current_evidence)}
    new = [item for item in writer.quotable if item.id not in base.current_evidence]
    size = sum(len(item.quote) for item in shown.values())
    for item in (*new, *writer.quotable):
        if item.id not in shown and size + len(item.quote) <= MAX_SHOWN_CHARACTERS:
            size += len(item.quote)
            shown[item.id] = item
    return tuple(shown.values())


def _evidence(value: Value, known: Mapping[EvidenceId, Evidence]) -> tuple[Evidence, ...]:
    return tuple(known[i] for i in dict.fromkeys(cited_in(value)) if i in known)
