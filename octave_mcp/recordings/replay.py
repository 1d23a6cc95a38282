"""Answers the questions of a run from a recording. Citations are mapped to the current pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from octave_mcp.domain.asks import AddressesBrief, Ask, ReadingBrief, WritingBrief
from octave_mcp.domain.company import Company
from octave_mcp.domain.playbook import PersonaDrafts
from octave_mcp.domain.recording import Replayed
from octave_mcp.domain.verification import VerificationBrief
from octave_mcp.errors import NotRecorded
from octave_mcp.recordings.citations import Shown, place_of
from octave_mcp.recordings.recording import Json, Object, RecordedRun, citations_in, count, is_list, is_object


class Answered(NamedTuple):
    """A recorded answer as JSON, and a description of the recording that the answer comes from."""

    value: Object
    replayed: Replayed


def answered(recording: RecordedRun, ask: Ask[Any, Any], companies: Sequence[Company]) -> Answered:
    """Return the recorded answer to an ask.

    Raises:
        NotRecorded: If the recording has no answer to this ask.
    """
    if ask.complaint:
        # Recorded answers passed the checks when they were recorded. If an answer fails a check now, asking again would
        # only return the same answer.
        raise NotRecorded("a recording has no corrected answers; entries that fail a check are dropped")
    brief = ask.brief
    if isinstance(brief, VerificationBrief):
        return Answered(_verdicts(recording, brief), _replayed(recording, ask, ask.prompt))
    if isinstance(brief, AddressesBrief):
        return _addresses(recording, ask, companies)
    if isinstance(brief, WritingBrief) and brief.personas:
        return _copy(recording, ask, companies)
    return _merged(recording, ask, companies)


def _replayed(recording: RecordedRun, ask: Ask[Any, Any], question: str, mapped: int = 0, of: int = 0) -> Replayed:
    return Replayed(
        model=recording.model,
        recorded_on=recording.recorded_on,
        question=question,
        mapped=mapped,
        of=of,
        notices=tuple(_notices(recording, ask)),
    )


def _notices(recording: RecordedRun, ask: Ask[Any, Any]) -> Iterator[str]:
    """Yield a notice for each prompt or context that has changed since the recording was made.

    The recorded answers are used anyway, because they can still be correct.
    """
    others = (prompt.rpartition("@") for prompt in ask.beside)
    for name, version in ((ask.prompt, ask.version), *((name, int(version)) for name, _, version in others)):
        if (known := recording.prompts.get(name)) and known != version:
            yield f"the prompt {name} has changed since the recording, from version {known} to {version}"
    is_judging = isinstance(ask.brief, VerificationBrief)
    if not is_judging and ask.brief.context != recording.context:
        yield "the recording was made with another context and does not reflect the context of this run"


def _values(recording: RecordedRun, ask: Ask[Any, Any]) -> list[Object]:
    """Return the recorded answers to a question.

    There are several answers if the pages were divided into packs, because each pack had its own ask.
    """
    company = getattr(ask.brief, "role", "")
    answers = [answer for answer in recording.answers if (answer.company, answer.prompt) == (company, ask.prompt)]
    if not answers:
        raise NotRecorded(f"the recording has no answer to {ask.prompt!r}; make a new one with octave-mcp record")
    return [answer.value for answer in answers]


def _addresses(recording: RecordedRun, ask: Ask[Any, Any], companies: Sequence[Company]) -> Answered:
    (value, *_) = _values(recording, ask)
    numbers = {place_of(link.url, companies).path: number for number, link in enumerate(ask.brief.links, 1)}
    chosen = [numbers[path] for path in value["chosen"] if path in numbers]
    return Answered({"chosen": chosen}, _replayed(recording, ask, f"{ask.brief.role} {ask.prompt}"))


def _merged(recording: RecordedRun, ask: Ask[Any, Any], companies: Sequence[Company]) -> Answered:
    """Merge all recorded answers to the question into one answer.

    An ask about pages gets all recorded entries that cite the ask's passages. In the recorded run, these entries can
    come from several asks, because pages can be divided into packs differently in each run.
    """
    values, mapping = _values(recording, ask), _Mapping(Shown(ask.passages, companies), _persona_ids(recording, ask))
    first, *more = [mapping.of(value, only_shown=isinstance(ask.brief, ReadingBrief)) for value in values]
    value = {name: [entry for part in (first, *more) for entry in part[name]] for name in first} if more else first
    question = f"{getattr(ask.brief, 'role', '')} {ask.prompt}".strip()
    return Answered(value, _replayed(recording, ask, question, mapping.mapped, sum(map(count, values))))


def _copy(recording: RecordedRun, ask: Ask[Any, Any], companies: Sequence[Company]) -> Answered:
    """Return the recorded sales copy for these personas.

    Personas are matched by title and not by id, because a dropped persona changes the ids of all later personas.
    """
    written = {persona.title: persona.value for persona in recording.personas}
    names = list(PersonaDrafts.model_fields)[ask.brief.rank :]
    wanted = {name: written.get(persona.title) for name, persona in zip(names, ask.brief.personas, strict=False)}
    if not any(wanted.values()):
        raise NotRecorded("the recording has no sales copy for these personas; make a new one with octave-mcp record")
    mapping = _Mapping(Shown(ask.passages, companies), {})
    value = {name: mapping.of(copy) if copy else None for name, copy in wanted.items()}
    replayed = _replayed(recording, ask, f"{ask.prompt} {' '.join(wanted)}", mapping.mapped, count([*wanted.values()]))
    return Answered(value, replayed)


def _persona_ids(recording: RecordedRun, ask: Ask[Any, Any]) -> dict[str, str]:
    """Map the ids of personas in the recording to the ids of the same personas in this run."""
    if not isinstance(ask.brief, WritingBrief):
        return {}
    ids = {persona.title: persona.id for persona in ask.brief.prospect.buyer_personas}
    titles = {f"persona-{rank}": persona.title for rank, persona in enumerate(recording.personas, 1)}
    return {known: ids[title] for known, title in titles.items() if title in ids}


@dataclass(slots=True)
class _Mapping:
    """Maps the citations in recorded values to the ask's passages.

    `mapped` counts the citations whose quotations are in these passages.
    """

    shown: Shown
    personas: dict[str, str]
    mapped: int = field(default=0)

    def of(self, value: Object, *, only_shown: bool = False) -> Object:
        """Return the value with passage numbers instead of recorded citations.

        If `only_shown` is true, omit entries that have citations but cite none of the ask's passages.
        """
        return {name: self._tree(name, part, only_shown=only_shown) for name, part in value.items()}

    def _tree(self, name: str, part: Json, *, only_shown: bool) -> Json:
        if name == "evidence":
            return self._cites(part)
        if name == "persona_id":
            return self.personas.get(part, part)
        if is_object(part):
            return self.of(part)
        if not is_list(part):
            return part
        wanted = [entry for entry in part if self._is_wanted(entry, only_shown=only_shown)]
        return [self._tree("", entry, only_shown=False) for entry in wanted]

    def _cites(self, citations: list[Object]) -> list[Object]:
        mapped = [self.shown.cites(citation) for citation in citations]
        self.mapped += sum(map(bool, mapped))
        return [cite.model_dump(mode="json") for cites in mapped for cite in cites]

    def _is_wanted(self, entry: Json, *, only_shown: bool) -> bool:
        """Whether to keep an entry.

        Drop entries about personas that no longer exist. If `only_shown` is true, also drop entries that have citations
        but cite none of the ask's passages.
        """
        if not is_object(entry):
            return True
        if self.personas and entry.get("persona_id", next(iter(self.personas))) not in self.personas:
            return False
        return not (only_shown and count(entry)) or any(map(self.shown.cites, citations_in(entry)))


def _verdicts(recording: RecordedRun, brief: VerificationBrief) -> Object:
    """Return the recorded verdicts on claims whose text and quotations are the same as in the recording."""
    known = {(old.text, old.kind, old.label, frozenset(old.quotations)): old for old in recording.verdicts}
    supported: list[int] = []
    others: list[Object] = []
    for number, claim in enumerate(brief.claims, 1):
        quotes = frozenset(brief.quotations[at - 1].text for at in claim.quotations)
        found = known.get((claim.text, claim.kind, claim.label, quotes))
        if found and found.verdict == "supported":
            supported.append(number)
        elif found:
            doubt = {"verdict": found.verdict, "reason": found.reason, "better": found.better or None}
            others.append({"claim": number, **doubt})
    return {"supported": supported, "others": others}
