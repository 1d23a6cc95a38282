"""Checks a rep's own e-mail or script against what a run has read, and against the rules for copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from octave_mcp.copywriting.claiming import Speech
from octave_mcp.copywriting.email_text import Deal, Email, ask_of
from octave_mcp.copywriting.faults import Fault, scored
from octave_mcp.copywriting.own_text import OwnText, Said, ends, read_own_text
from octave_mcp.copywriting.rubric import email_errors, email_faults, script_faults
from octave_mcp.copywriting.voice import hedged
from octave_mcp.domain.copy_check import (
    VERDICTS,
    CheckedCopy,
    CheckedSentence,
    CopyFault,
    CopyQuote,
    CopyVerdict,
)
from octave_mcp.domain.evidence import Evidence, EvidenceId, Support
from octave_mcp.domain.names import normal
from octave_mcp.domain.page import Page
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.sender import Sender
from octave_mcp.errors import InputError
from octave_mcp.evidence.claims import FoundClaim, claims
from octave_mcp.evidence.nearest import Near, Nearest, Source
from octave_mcp.evidence.passages import as_passage, passages
from octave_mcp.evidence.sourcing import Sourced, Sourcing
from octave_mcp.evidence.support.statement import language_of

# Of one text: about 2,000 words.
MAX_SENTENCES = 120
MAX_FAULTS = 12
GUESS = "a guess, and said as one"
THEIRS = "what the other side may say"


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence with its verdict, and the evidence as the rubric needs it."""

    sentence: CheckedSentence
    evidence: tuple[Evidence, ...] = ()

    @property
    def is_backed(self) -> bool:
        return self.sentence.verdict in {"supported", "partly"}


def checked_copy(text: str, playbook: Playbook, pages: Mapping[str, Page], sender: Sender | None) -> CheckedCopy:
    """`pages` are those that the playbook lists, by the digests of their texts.

    Raises:
        InputError: there is no sentence in the text, or there are too many.
    """
    own = read_own_text(text)
    if not (count := len([*own.sentences])) and not own.subject:
        raise InputError("text: there is no sentence in it; give the e-mail or the script as you would send or say it")
    if count > MAX_SENTENCES:
        raise InputError(f"text: it has {count} sentences; at most {MAX_SENTENCES} are checked; check it in parts")
    return Checker(own, playbook, tuple(sources_of(playbook, pages)), sender or Sender()).copy


def sources_of(playbook: Playbook, pages: Mapping[str, Page]) -> Iterator[Source]:
    """The passages of the pages as the playbook lists them: another run may have read the same text elsewhere."""
    for read in playbook.pages:
        if page := pages.get(read.sha256):
            ref = page.ref.model_copy(update={"url": read.url, "title": read.title, "sister_of": read.sister_of})
            yield from (Source(one, read.role) for one in passages(page.model_copy(update={"ref": ref})))
    known = pages.keys()
    gone = (one for one in playbook.evidence.values() if one.page_sha256 not in known)
    yield from (Source(as_passage(one), one.role) for one in gone)


@dataclass(frozen=True)
class Checker:
    own: OwnText
    playbook: Playbook
    read: Sequence[Source]
    sender: Sender = field(default_factory=Sender)

    @property
    def copy(self) -> CheckedCopy:
        checked = [*self._around(), *self._sentences, *self._signed()]
        faults = sorted(self._faults, key=lambda fault: -fault.cost)
        verdicts = [one.sentence.verdict for one in checked]
        return CheckedCopy(
            kind=self.own.kind,
            counts={verdict: verdicts.count(verdict) for verdict in VERDICTS},
            sentences=tuple(one.sentence for one in checked),
            score=scored(faults).points,
            faults=tuple(CopyFault(rule=fault.rule, text=fault.text) for fault in faults[:MAX_FAULTS]),
        )

    @cached_property
    def _deal(self) -> Deal:
        context = self.playbook.context.text if self.playbook.context else ""
        return Deal(self.playbook.vendor.name, self.playbook.prospect.name, context)

    @cached_property
    def _people(self) -> tuple[str, ...]:
        """Who needs no evidence: the sender, who is written to, and the personas."""
        personas = (text for one in self.playbook.priority_personas for text in (one.title, one.contact or ""))
        sender = (self.sender.name, self.sender.company, self.sender.title)
        return tuple(filter(None, (*self.own.people, *sender, *personas)))

    @cached_property
    def _speech(self) -> Speech:
        return Speech(self._deal, self._people)

    @cached_property
    def _sourcing(self) -> Sourcing:
        domains = (self.playbook.vendor.domain, self.playbook.prospect.domain)
        known = (*domains, *self._people)
        return Sourcing(Nearest(self.read), self._deal.vendor, self._deal.prospect, known, self._is_cited)

    def _is_cited(self, near: Near) -> bool:
        return self._as_cited(near.evidence).id in self.playbook.evidence

    @cached_property
    def _written(self) -> Mapping[str, FoundClaim]:
        """The playbook's own sentences with their verdicts, which a rep may have taken over."""
        found = (one for one in claims(self.playbook) if one.support and one.support.verdict in {"supported", "partly"})
        return {normal(one.text): one for one in found}

    @cached_property
    def _sentences(self) -> tuple[Checked, ...]:
        return tuple(self._checked_in_turn())

    def _checked_in_turn(self) -> Iterator[Checked]:
        subject = ""
        for said in self.own.sentences:
            if said.is_theirs:
                yield _no_claim(said.text, THEIRS)
                continue
            yield self.checked(said.text, subject)
            subject = self._speech.subject_of(said.text, subject)

    def _around(self) -> Iterator[Checked]:
        if subject := self.own.subject:
            yield (
                self.checked(subject, "") if self._speech.is_telling(subject) else _no_claim(subject, "a subject line")
            )
        if self.own.greeting:
            yield _no_claim(self.own.greeting, "a greeting")

    def _signed(self) -> Iterator[Checked]:
        if self.own.signature:
            yield _no_claim("\n".join(self.own.signature), "a sign-off")

    def checked(self, text: str, subject: str = "") -> Checked:
        """A sentence; `subject` is whom the one before is about."""
        if (written := self._written.get(normal(text))) and written.support:
            return self._as_written(text, written.evidence, written.support)
        if nothing := self._speech.claims_nothing(text):
            return _no_claim(text, nothing)
        found = self._sourcing.of(self._speech.claim_of(text, subject), "inference" if hedged(text) else "fact")
        if found.is_unsaid and self._speech.is_mere_guess(text):
            return _no_claim(text, GUESS)
        return self._with_source(text, found)

    def _as_written(self, text: str, cited: Sequence[EvidenceId], support: Support) -> Checked:
        evidence = [self.playbook.evidence[one] for one in cited if one in self.playbook.evidence]
        return _backed(text, "supported" if support.verdict == "supported" else "partly", support.reason, evidence)

    def _with_source(self, text: str, found: Sourced) -> Checked:
        evidence = [self._as_cited(near.evidence) for near in found.near]
        if found.verdict == "not":
            nearest = _quote(evidence[0]) if evidence else None
            return Checked(CheckedSentence(text=text, verdict="not", reason=found.reason, nearest=nearest))
        return _backed(text, found.verdict, found.reason, evidence)

    def _as_cited(self, found: Evidence) -> Evidence:
        """The evidence of the playbook that has this quotation, if it has it."""
        return next((one for one in self._cited.get(found.page_sha256, ()) if _has(one, found)), found)

    @cached_property
    def _cited(self) -> dict[str, list[Evidence]]:
        by_page: dict[str, list[Evidence]] = {}
        for one in self.playbook.evidence.values():
            by_page.setdefault(one.page_sha256, []).append(one)
        return by_page

    @property
    def _faults(self) -> list[Fault]:
        email = self._email
        whole = replace(email, paragraphs=(self.own.greeting, *email.paragraphs, *self.own.signature))
        unsendable = email_errors(whole)  # a blank may be left in the greeting, too
        if self.own.kind == "email":
            return [*unsendable, *email_faults(email)]
        reasons = [one.sentence.text for one in self._sentences if one.is_backed and _is_of("prospect", one.evidence)]
        return [*unsendable, *script_faults(email, reasons)]

    @cached_property
    def _email(self) -> Email:
        """As a first touch: nothing is known of others."""
        judged = [one for one in self._sentences if one.sentence.verdict != "no claim"]
        paragraphs = tuple("".join(map(_with_end, part)).strip() for part in self.own.paragraphs)
        return Email(
            subject=self.own.subject,
            paragraphs=tuple(filter(None, paragraphs)),
            ask=ask_of(paragraphs),
            facts=tuple(one.sentence.text for one in judged if not hedged(one.sentence.text)),
            evidence=tuple({e.id: e for one in judged for e in one.evidence}.values()),
            deal=self._deal,
            language=language_of(" ".join(paragraphs)) or self.playbook.language,
        )


def _backed(text: str, verdict: CopyVerdict, reason: str, evidence: Sequence[Evidence]) -> Checked:
    quotes = tuple(map(_quote, evidence))
    return Checked(CheckedSentence(text=text, verdict=verdict, reason=reason, evidence=quotes), tuple(evidence))


def _with_end(said: Said) -> str:
    """As it stands in a paragraph: a line without an end, such as an entry of a list, stays on its own."""
    if said.is_theirs:
        return ""
    return f"{said.text} " if ends(said.text) else f"{said.text}\n"


def _no_claim(text: str, reason: str) -> Checked:
    return Checked(CheckedSentence(text=text, verdict="no claim", reason=reason))


def _quote(evidence: Evidence) -> CopyQuote:
    return CopyQuote(id=evidence.id, url=evidence.url, quote=evidence.quote)


def _has(cited: Evidence, found: Evidence) -> bool:
    return cited.url == found.url and cited.start <= found.start and found.end <= cited.end


def _is_of(role: str, evidence: Sequence[Evidence]) -> bool:
    return any(one.role == role for one in evidence)
