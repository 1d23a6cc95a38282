"""Applies a person's edits to a playbook: stores the text unchanged, checks it by rules, and marks it as edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, cast

from octave_mcp.copywriting.assembly import call_score
from octave_mcp.copywriting.cards import card_score
from octave_mcp.copywriting.edit_input import check_editable, read
from octave_mcp.copywriting.email_text import Deal, Email, read_email
from octave_mcp.copywriting.own_sources import Sources
from octave_mcp.copywriting.readability import sentences
from octave_mcp.copywriting.rubric import email_errors, email_faults, email_score
from octave_mcp.domain.cards import CompetitivePositioningCard, ObjectionHandlingCard, WhyWeWinCard
from octave_mcp.domain.evidence import EvidenceId, Finding
from octave_mcp.domain.notices import OwnText
from octave_mcp.domain.parts import Given, place_of, written
from octave_mcp.domain.playbook import EmailSequence, Playbook, TalkTrack, Touch
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.value import Path, Value, changed, located, overlap, part_at
from octave_mcp.errors import InputError, about

MAX_WARNINGS = 20
# Maximum number of new sentences and other findings in one edit. Even a whole section is expected to have fewer.
MAX_SENTENCES = 200


class Edited(NamedTuple):
    """An edited playbook, and the record that marks the edited part."""

    playbook: Playbook
    own: OwnText


def edited(sources: Sources, section: str, given: Given, *, by: str, at: datetime, version: int) -> Edited:
    """Replace a section, or a part of it, with `given`, and return the edited playbook.

    The new text is checked, which adds verdicts, evidence, scores and warnings to the playbook.

    Raises:
        UnknownName: If the playbook has no part with this name.
        InputError: If the part cannot be edited, or if `given` does not have the structure of the part.
    """
    playbook = sources.playbook
    with about("section"):
        path = place_of(playbook, section)
        name = written(playbook, path)
        check_editable(playbook, path, name)
    with about("text"):
        part = read(given, playbook, path, name)
        path, part = _as_sentence(playbook, path, part)
        new = changed(playbook, {path: part})
        _check_references(new, name)
        checked = _Checks(playbook, new, sources).checked
    warnings = tuple(dict.fromkeys(_warnings(sources, checked, path)))[:MAX_WARNINGS]
    record = OwnText(path=written(checked, path), by=by, at=at, version=version, warnings=warnings)
    prefixes = (record.path + ".", record.path + "[")
    others = (edit for edit in playbook.own_text if edit.path != record.path and not edit.path.startswith(prefixes))
    return Edited(checked.model_copy(update={"own_text": (*others, record)}), record)


def _as_sentence(playbook: Playbook, path: Path, part: object) -> tuple[Path, object]:
    """If the edited part is the field `text` of a `Sentence`, return a new `Sentence` without evidence.

    The old evidence does not necessarily support the new text, so the checks have to look for evidence again.
    """
    owner = part_at(playbook, path[:-1])
    if path[-1] == "text" and isinstance(owner, Sentence):
        return path[:-1], Sentence[EvidenceId](text=str(part), kind="fact", evidence=())
    return path, part


def _check_references(playbook: Playbook, name: str) -> None:
    """Raise InputError if the new part cites unknown evidence, names an unknown persona, or names a persona twice."""
    unknown = {i for part in _findings(playbook) for i in part.evidence} - playbook.evidence.keys()
    if unknown:
        raise InputError(f"{name!r} cites evidence that this playbook does not have: {', '.join(sorted(unknown)[:5])}")
    ids = [persona.id for persona in playbook.priority_personas]
    for section in (playbook.priority_personas, playbook.email_sequences, playbook.talk_tracks):
        ids_here = [getattr(entry, "persona_id", "") or getattr(entry, "id", "") for entry in section]
        if len({*ids_here}) < len(ids_here) or not {*ids_here} <= {*ids}:
            available = ", ".join(ids) or "none"
            raise InputError(
                f"{name!r}: each sequence and call script must be for a different persona; this playbook has "
                f"{available}"
            )


def _findings(value: object) -> Iterator[Finding[EvidenceId]]:
    return (cast("Finding[EvidenceId]", part) for _, part in located(value) if isinstance(part, Finding))


@dataclass(frozen=True)
class _Checks:
    """Checks those parts of the playbook `new` that differ from the playbook `base`."""

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
        """Recompute the sentences of each e-mail, because the edit has possibly changed the body of the e-mail."""
        by_body = {touch.body: touch for _, touch in _touches(self.base)}
        by_text = {sentence.text: sentence for touch in by_body.values() for sentence in touch.sentences}
        touches = {at: _with_sentences_of_body(touch, by_body, by_text) for at, touch in _touches(playbook)}
        return changed(playbook, dict(touches))

    def _judged(self, playbook: Playbook) -> Playbook:
        new_paths = [at for at, part in located(playbook) if isinstance(part, Finding) and part not in self._known]
        if len(new_paths) > MAX_SENTENCES:
            raise InputError(
                f"the edit has {len(new_paths)} new sentences; at most {MAX_SENTENCES} are checked; edit smaller parts"
            )
        # Some findings contain other findings. The inner findings are judged first, so that the outer finding includes
        # their verdicts.
        for at in sorted(new_paths, key=len, reverse=True):
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
                    parts[section, at, "score"] = _score_of(part, playbook)
        return changed(playbook, parts)


def _score_of(part: Value, playbook: Playbook) -> object:
    """Return the score of a finished call script or battle card, or None for an outline."""
    if isinstance(part, TalkTrack):
        return call_score(part, playbook.evidence) if part.kind == "call" else None
    is_card = isinstance(part, WhyWeWinCard | ObjectionHandlingCard | CompetitivePositioningCard)
    return card_score(part, playbook.evidence) if is_card and part.form == "card" else None


def _at_touch(row: int, place: int) -> Path:
    return ("email_sequences", row, "touches", place)


def _touches(playbook: Playbook) -> Iterator[tuple[Path, Touch]]:
    for row, sequence in enumerate(playbook.email_sequences):
        yield from ((_at_touch(row, place), touch) for place, touch in enumerate(sequence.touches))


def _with_sentences_of_body(
    touch: Touch, by_body: Mapping[str, Touch], by_text: Mapping[str, Sentence[EvidenceId]]
) -> Touch:
    """Extract the sentences and the ask from the touch's new body, and return the updated touch.

    If a sentence is also in the old playbook, it keeps its evidence. If the body has not changed, all sentences stay as
    they are.
    """
    if (known := by_body.get(touch.body)) is not None:
        return touch if touch == known else touch.model_copy(update={"sentences": known.sentences})
    email = read_email(touch.subject, touch.body, position=0, last=False)
    ask_text = email.ask if email.ask.endswith("?") else ""
    sentences_of_body = tuple(
        by_text.get(text) or Sentence[EvidenceId](text=text, kind="fact", evidence=())
        for paragraph in email.paragraphs
        for text in sentences(paragraph)
        if text != ask_text
    )
    ask = touch.call_to_action.model_copy(update={"text": ask_text})
    return touch.model_copy(update={"kind": "email", "sentences": sentences_of_body, "call_to_action": ask})


def _emails(sequence: EmailSequence, playbook: Playbook) -> list[Email]:
    """Convert the e-mails of a sequence to the `Email` objects that the rules check."""
    deal = Deal(playbook.vendor.name, playbook.prospect.name, playbook.context.text if playbook.context else "")
    emails: list[Email] = []
    for place, touch in enumerate(sequence.touches):
        last = place == len(sequence.touches) - 1
        email = read_email(touch.subject, touch.body, position=place, last=last, earlier=emails, deal=deal)
        cited = [i for sentence in touch.sentences for i in sentence.evidence]
        full = replace(
            email,
            ask=touch.call_to_action.text or email.ask,
            ask_label=touch.call_to_action.label,
            make_first=touch.make_first or "",
            has_second_opening=bool(touch.second_opening),
            facts=tuple(sentence.text for sentence in touch.sentences if sentence.kind == "fact"),
            evidence=tuple(playbook.evidence[i] for i in cited if i in playbook.evidence),
            language=playbook.language,
        )
        emails.append(full)
    return emails


def _warnings(sources: Sources, playbook: Playbook, path: Path) -> Iterator[str]:
    """Yield the problems of the new part: errors, unsupported sentences, and faults."""
    part, owner = part_at(playbook, path), part_at(playbook, path[:-1])
    yield from _send_errors(playbook, path)
    if isinstance(owner, Touch) and path[-1] == "body":
        part = owner.sentences
    yield from sources.warnings(part, owner, str(path[-1]))
    for at, scored in located(playbook):
        if overlap(at, path) and isinstance(score := getattr(scored, "score", None), Score):
            yield from score.warnings


def _send_errors(playbook: Playbook, path: Path) -> Iterator[str]:
    for row, sequence in enumerate(playbook.email_sequences):
        for place, email in enumerate(_emails(sequence, playbook)):
            if overlap(_at_touch(row, place), path):
                yield from (fault.text for fault in email_errors(email))
