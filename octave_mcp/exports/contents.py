"""The sections of an exported document, and the content of each section."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.deal import BuyingSeat, ValueMapRow
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.findings import CompanyPerson, CompanyTrigger, Relation
from octave_mcp.domain.notices import Gap, OwnText
from octave_mcp.domain.parts import own_texts
from octave_mcp.domain.playbook import Playbook, PriorityPersona, TalkTrack
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.value import Path, overlap, part_at
from octave_mcp.domain.vendor import Element, VendorElements
from octave_mcp.evidence.claims import bare
from octave_mcp.evidence.dates import is_over_a_year_old
from octave_mcp.exports.words import HOW_KNOWN

# Maximum number of events in the section "Triggers". The other events are listed under "Other triggers".
MAX_TRIGGERS = 8


class Section(NamedTuple):
    """A section in the table of contents. `number` is the number of entries, or None if the section is not a list."""

    anchor: str
    title: str
    number: int | None = None


class Elements(NamedTuple):
    """What a company sells according to its pages, grouped by kind.

    `section` is the name of the playbook field that holds these elements.
    """

    role: Role
    section: str
    kinds: tuple[tuple[str, tuple[Element[EvidenceId], ...]], ...]

    @property
    def number(self) -> int:
        return sum(len(elements) for _, elements in self.kinds)


class Own(NamedTuple):
    """A text that a person wrote.

    - `what`: where the text is within the displayed part, such as '1, date', or '' if the text is the whole part.
    - `warnings`: warnings about the text, except for those that are also in the `score.warnings` of the part.
    """

    by: str
    version: int
    day: str
    what: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Contents:
    """The sections of a document.

    Empty sections are included, each with the reason why it is empty. Sections that were introduced after the playbook
    was written are left out.
    """

    playbook: Playbook

    def sections(self) -> tuple[Section, ...]:
        return (*self._approach(), *self._copy(), *self._background())

    def has(self, anchor: str) -> bool:
        return any(section.anchor == anchor for section in self.sections())

    def title(self, anchor: str) -> str:
        return next(section.title for section in self.sections() if section.anchor == anchor)

    def _approach(self) -> Iterator[Section]:
        playbook = self.playbook
        if playbook.brief:
            yield Section("brief", "Brief")
        yield Section("summary", "Executive summary")
        shown = self.triggers()
        if shown or self.gaps_in("triggers"):
            yield Section("triggers", "Triggers", len(shown))
        if self._is_shown("buying_committee", playbook.buying_committee):
            yield Section("committee", "Buying committee", len(playbook.buying_committee))
        yield Section("personas", "Personas", len(playbook.priority_personas))
        if self._is_shown("fit", (part for _, part in playbook.fit if part)):
            yield Section("fit", "Fit")

    def _copy(self) -> Iterator[Section]:
        playbook = self.playbook
        touches = [touch for sequence in playbook.email_sequences for touch in sequence.touches]
        outlined = {touch.kind for touch in touches} == {"outline"}
        yield Section("emails", "E-mail outlines" if outlined else "E-mails", len(touches))
        yield Section("calls", "Call scripts", len(playbook.talk_tracks))
        if questions := sum(len(track.discovery) for track in playbook.talk_tracks):
            yield Section("discovery", "Discovery", questions)
        yield Section("cards", "Battle cards", len(playbook.battle_cards))
        yield Section("wins", "Quick wins", len(playbook.quick_wins))
        yield Section("metrics", "Success metrics", len(playbook.success_metrics))
        if self._is_shown("qualification", (part for _, part in playbook.qualification if any(dict(part).values()))):
            yield Section("qualification", "Qualification")

    def _background(self) -> Iterator[Section]:
        playbook = self.playbook
        for elements in self.elements():
            yield Section(elements.role, f"About {playbook.companies[elements.role].name}", elements.number)
        yield Section("prospect", "Prospect intelligence")
        yield Section("gaps", "Gaps", len(playbook.gaps))
        yield Section("made", "How this playbook was made")
        yield Section("sources", "Sources")

    def _is_shown(self, section: str, entries: Iterable[object]) -> bool:
        is_old = self.playbook.schema_version == 1
        return any(True for _ in entries) or bool(self.gaps_in(section)) or not is_old

    def triggers(self) -> tuple[CompanyTrigger, ...]:
        """Return the events for the section "Triggers".

        If the executive summary explains events at the prospect, return only these events. Otherwise, return the events
        at both companies, with the prospect's events first.
        """
        of_prospect = [trigger for trigger in self.playbook.triggers if trigger.company == "prospect"]
        of_others = (trigger for trigger in self.playbook.triggers if trigger.company != "prospect")
        explained = [trigger for trigger in of_prospect if trigger.means]
        return tuple((explained or [*of_prospect, *of_others])[:MAX_TRIGGERS])

    def other_triggers(self) -> tuple[CompanyTrigger, ...]:
        shown = self.triggers()
        return tuple(trigger for trigger in self.playbook.triggers if trigger not in shown)

    def people_of(self, role: Role) -> tuple[CompanyPerson, ...]:
        return tuple(person for person in self.playbook.people if person.company == role)

    def tools(self) -> Mapping[tuple[Role, Relation], Sequence[str]]:
        """Return the names of integrations, grouped by company and by relation, such as 'uses' or 'sells'."""
        names: dict[tuple[Role, Relation], list[str]] = {}
        for item in self.playbook.integrations:
            names.setdefault((item.company, item.relation), []).append(item.name)
        return names

    def elements(self) -> tuple[Elements, ...]:
        return tuple(self._elements(role) for role in self.playbook.companies if ROLES[role].reads == "elements")

    def _elements(self, role: Role) -> Elements:
        section = ROLES[role].section
        elements: VendorElements[EvidenceId] = getattr(self.playbook, section)
        return Elements(role, section, tuple(elements.by_kind()))

    def gaps_in(self, section: str) -> tuple[Gap, ...]:
        return tuple(gap for gap in self.playbook.gaps if gap.is_in(section))

    def own_value_map(self, track: TalkTrack) -> Sequence[ValueMapRow[EvidenceId]]:
        """Return the rows of the talk track's value map that are not in the deal's value map."""
        shown = {_pair(row) for row in self.playbook.fit.value_map}
        return [row for row in track.value_map if _pair(row) not in shown]

    def own_pains(self, persona: PriorityPersona) -> Sequence[Sentence[EvidenceId]]:
        """Return the persona's pain points that are not in the deal's value map."""
        shown = {bare(row.pain.text) for row in self.playbook.fit.value_map}
        return [pain for pain in persona.pains if bare(pain.text) not in shown]

    def title_of_event(self) -> str:
        """Return the label for the event in the brief: 'Why now' or 'Last event'.

        An event that is over a year old is not labelled 'Why now', because it is no reason to call now.
        """
        brief, today = self.playbook.brief, self.playbook.generated_at.date()
        return "Last event" if brief and is_over_a_year_old(brief.date, today) else "Why now"

    def how_known(self, seat: BuyingSeat) -> str:
        """Return in words how the person was found, as in 'named on their site'.

        If only the vendor's pages name the person, the text mentions this, because readers expect a page of the
        prospect.
        """
        roles = {self.playbook.evidence[i].role for i in seat.evidence if i in self.playbook.evidence}
        if seat.how_known == "named" and roles == {"vendor"}:
            return f"named on a page of {self.playbook.vendor.name}"
        return HOW_KNOWN[seat.how_known]

    def own_at(self, *path: str | int) -> tuple[Own, ...]:
        """Return all human-written texts in the part of the playbook at this path."""
        score: Score | None = getattr(part_at(self.playbook, path), "score", None)
        shown = score.warnings if score else ()
        return tuple(
            Own(
                by=own.by or "a person",
                version=own.version,
                day=own.at.date().isoformat(),
                what=_place_in_words(at[len(path) :]),
                warnings=tuple(warning for warning in own.warnings if warning not in shown),
            )
            for at, own in self._own
            if overlap(at, path)
        )

    @cached_property
    def _own(self) -> tuple[tuple[Path, OwnText], ...]:
        return tuple(own_texts(self.playbook))

    def seat_of_brief(self) -> BuyingSeat | None:
        """Return the buying-committee seat of the person named in the brief, or None."""
        person = self.playbook.brief.person if self.playbook.brief else None
        return next((seat for seat in self.playbook.buying_committee if person and seat.person == person), None)


def _pair(row: ValueMapRow[EvidenceId]) -> tuple[str, str]:
    return row.capability.text, row.pain.text


def addressees(playbook: Playbook) -> Callable[[str], str]:
    """Return a function that maps a persona id to an addressee, such as 'Ada Moss, Head of Yards' or 'the CTO'."""
    names = {persona.id: persona.contact or f"the {persona.title}" for persona in playbook.priority_personas}
    return lambda persona_id: names.get(persona_id, persona_id)


def persona_titles(playbook: Playbook) -> Callable[[str], str]:
    """Return a function that maps a persona id to the persona's title."""
    titles = {persona.id: persona.title for persona in playbook.priority_personas}
    return lambda persona_id: titles.get(persona_id, persona_id)


def repeats(text: str, quotation: str) -> bool:
    """Whether a sentence repeats its quotation word for word."""
    return bare(text) == bare(quotation)


def _place_in_words(path: Path) -> str:
    return ", ".join(f"{step + 1}" if isinstance(step, int) else step.replace("_", " ") for step in path)
