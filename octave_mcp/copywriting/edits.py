"""A person's own text in a playbook: stored as it is, checked by rules, and marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, cast

from octave_mcp.copywriting.assembly import call_score
from octave_mcp.copywriting.cards import card_score
from octave_mcp.copywriting.email_text import Deal, Email, read_email
from octave_mcp.copywriting.given_parts import Given, check_editable, read
from octave_mcp.copywriting.own_sources import Sources
from octave_mcp.copywriting.readability import sentences
from octave_mcp.copywriting.rubric import email_errors, email_faults, email_score
from octave_mcp.domain.cards import CompetitivePositioningCard, ObjectionHandlingCard, WhyWeWinCard
from octave_mcp.domain.evidence import EvidenceId, Finding
from octave_mcp.domain.notices import OwnText
from octave_mcp.domain.parts import place_of, written
from octave_mcp.domain.playbook import EmailSequence, Playbook, TalkTrack, Touch
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.value import Path, Value, changed, located, overlap, part_at
from octave_mcp.errors import InputError

MAX_WARNINGS = 20
# Of one edit: a whole section of a playbook has fewer.
MAX_SENTENCES = 200


class Edited(NamedTuple):
    """The playbook with a person's text, and the mark that it has there."""

    playbook: Playbook
    own: OwnText


def edited(sources: Sources, section: str, given: Given, *, by: str, at: datetime, version: int) -> Edited:
    """The playbook with this text in place of that part; the checks add verdicts, evidence, scores and warnings.

    Raises:
        UnknownName: there is no such part.
        InputError: the part is not for people to write, or what is given does not have its form.
    """
    playbook = sources.playbook
    path = place_of(playbook, section)
    name = written(playbook, path)
    check_editable(playbook, path, name)
    part = read(given, playbook, path, name)
    path, part = _of_sentence(playbook, path, part)
    new = changed(playbook, {path: part})
    _check_references(new, name)
    checked = _Checks(playbook, new, sources).checked
    warnings = tuple(dict.fromkeys(_warnings(sources, checked, path)))[:MAX_WARNINGS]
    own = OwnText(path=written(checked, path), by=by, at=at, version=version, warnings=warnings)
    below = (own.path + ".", own.path + "[")
    kept = (one for one in playbook.own_text if one.path != own.path and not one.path.startswith(below))
    return Edited(checked.model_copy(update={"own_text": (*kept, own)}), own)


def _of_sentence(playbook: Playbook, path: Path, part: object) -> tuple[Path, object]:
    """Another text of a sentence is another sentence: it may rest on other evidence, or on none."""
    owner = part_at(playbook, path[:-1])
    if path[-1] == "text" and isinstance(owner, Sentence):
        return path[:-1], Sentence[EvidenceId](text=str(part), kind="fact", evidence=())
    return path, part


def _check_references(playbook: Playbook, name: str) -> None:
    """Raises: InputError: the new part names evidence or personas that are not there, or one persona twice."""
    unknown = {i for part in _findings(playbook) for i in part.evidence} - playbook.evidence.keys()
    if unknown:
        raise InputError(f"{name!r} cites evidence that this playbook does not have: {', '.join(sorted(unknown)[:5])}")
    ids = [persona.id for persona in playbook.priority_personas]
    for section in (playbook.priority_personas, playbook.email_sequences, playbook.talk_tracks):
        named = [getattr(entry, "persona_id", "") or getattr(entry, "id", "") for entry in section]
        if len({*named}) < len(named) or not {*named} <= {*ids}:
            there = ", ".join(ids) or "none"
            raise InputError(f"{name!r}: each sequence and call script is for another persona; there are {there}")


def _findings(value: object) -> Iterator[Finding[EvidenceId]]:
    return (cast("Finding[EvidenceId]", part) for _, part in located(value) if isinstance(part, Finding))


@dataclass(frozen=True)
class _Checks:
    """Fills in what the checks say of the parts of `new` that `base` does not have."""

    base: Playbook
    new: Playbook
    sources: Sources

    @property
    def checked(self) -> Playbook:
        judged = self._judged(self._with_sentences(self.new))
        evidence = {**judged.evidence, **self.sources.added}
        return self._scored(judged.model_copy(update={"evidence": evidence}) if self.sources.added else judged)

    @cached_property
    def _known(self) -> frozenset[Finding[EvidenceId]]:
        return frozenset(_findings(self.base))

    def _with_sentences(self, playbook: Playbook) -> Playbook:
        """The sentences of e-mails are those of their bodies."""
        known = {touch.body: touch for _, touch in _touches(self.base)}
        told = {one.text: one for touch in known.values() for one in touch.sentences}
        found = {at: _resaid(touch, known, told) for at, touch in _touches(playbook)}
        return changed(playbook, dict(found))

    def _judged(self, playbook: Playbook) -> Playbook:
        new = [at for at, part in located(playbook) if isinstance(part, Finding) and part not in self._known]
        if len(new) > MAX_SENTENCES:
            raise InputError(f"it has {len(new)} new sentences; at most {MAX_SENTENCES} are checked; edit it in parts")
        # Deeper ones first: a finding that holds another is judged as it is by then.
        for at in sorted(new, key=len, reverse=True):
            playbook = changed(playbook, {at: self.sources.judged(part_at(playbook, at))})
        return playbook

    def _scored(self, playbook: Playbook) -> Playbook:
        parts: dict[Path, object] = {}
        for row, sequence in enumerate(playbook.email_sequences):
            for place, email in enumerate(_emails(sequence, playbook)):
                touch = sequence.touches[place]
                if touch.kind == "email" and part_at(self.base, at := _at_touch(row, place)) != touch:
                    parts[*at, "score"] = email_score(email, email_faults(email))
        for section in ("talk_tracks", "battle_cards"):
            for at, part in enumerate(getattr(playbook, section)):
                if part not in getattr(self.base, section):
                    parts[section, at, "score"] = _score(part, playbook)
        return changed(playbook, parts)


def _score(part: Value, playbook: Playbook) -> object:
    """That of a finished call script or battle card; None for an outline."""
    if isinstance(part, TalkTrack):
        return call_score(part, playbook.evidence) if part.kind == "call" else None
    is_card = isinstance(part, WhyWeWinCard | ObjectionHandlingCard | CompetitivePositioningCard)
    return card_score(part, playbook.evidence) if is_card and part.form == "card" else None


def _at_touch(row: int, place: int) -> Path:
    return ("email_sequences", row, "touches", place)


def _touches(playbook: Playbook) -> Iterator[tuple[Path, Touch]]:
    for row, sequence in enumerate(playbook.email_sequences):
        yield from ((_at_touch(row, place), touch) for place, touch in enumerate(sequence.touches))


def _resaid(touch: Touch, known: Mapping[str, Touch], told: Mapping[str, Sentence[EvidenceId]]) -> Touch:
    """With the sentences and the ask of its body, if nobody has read that before."""
    if (same := known.get(touch.body)) is not None:
        return touch if touch == same else touch.model_copy(update={"sentences": same.sentences})
    email = read_email(touch.subject, touch.body, position=0, last=False)
    asked = email.ask if email.ask.endswith("?") else ""
    found = tuple(
        told.get(one) or Sentence[EvidenceId](text=one, kind="fact", evidence=())
        for paragraph in email.paragraphs
        for one in sentences(paragraph)
        if one != asked
    )
    ask = touch.call_to_action.model_copy(update={"text": asked})
    return touch.model_copy(update={"kind": "email", "sentences": found, "call_to_action": ask})


def _emails(sequence: EmailSequence, playbook: Playbook) -> list[Email]:
    """The e-mails as the rules read them."""
    deal = Deal(playbook.vendor.name, playbook.prospect.name, playbook.context.text if playbook.context else "")
    found: list[Email] = []
    for place, touch in enumerate(sequence.touches):
        last = place == len(sequence.touches) - 1
        email = read_email(touch.subject, touch.body, position=place, last=last, earlier=found, deal=deal)
        cited = [i for sentence in touch.sentences for i in sentence.evidence]
        own = replace(
            email,
            ask=touch.call_to_action.text or email.ask,
            ask_label=touch.call_to_action.label,
            make_first=touch.make_first or "",
            has_second_opening=bool(touch.second_opening),
            facts=tuple(sentence.text for sentence in touch.sentences if sentence.kind == "fact"),
            evidence=tuple(playbook.evidence[i] for i in cited if i in playbook.evidence),
            language=playbook.language,
        )
        found.append(own)
    return found


def _warnings(sources: Sources, playbook: Playbook, path: Path) -> Iterator[str]:
    """What the checks say of the new part: what must not be sent, what nothing supports, and what costs points."""
    part, owner = part_at(playbook, path), part_at(playbook, path[:-1])
    yield from _errors(playbook, path)
    if isinstance(owner, Touch) and path[-1] == "body":
        part = owner.sentences
    yield from sources.warnings(part, owner, str(path[-1]))
    for at, scored in located(playbook):
        if overlap(at, path) and isinstance(score := getattr(scored, "score", None), Score):
            yield from score.warnings


def _errors(playbook: Playbook, path: Path) -> Iterator[str]:
    """What an e-mail must not be sent with."""
    for row, sequence in enumerate(playbook.email_sequences):
        for place, email in enumerate(_emails(sequence, playbook)):
            if overlap(_at_touch(row, place), path):
                yield from (fault.text for fault in email_errors(email))
