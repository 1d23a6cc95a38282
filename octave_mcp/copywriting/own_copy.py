"""Checks an e-mail or call script that a rep wrote: applies the rules, and looks for evidence on a run's pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from octave_mcp.copywriting.claim_detection import Speech
from octave_mcp.copywriting.email_text import Deal, Email, ask_of
from octave_mcp.copywriting.faults import Fault, scored
from octave_mcp.copywriting.pasted_text import PastedSentence, PastedText, ends, read_pasted_text
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
from octave_mcp.evidence.nearest import CompanyPassage, Near, Nearest
from octave_mcp.evidence.passages import as_passage, passages
from octave_mcp.evidence.sourcing import Sourced, Sourcing
from octave_mcp.evidence.support.statement import language_of

# About 2,000 words.
MAX_SENTENCES = 120
MAX_FAULTS = 12
GUESS_REASON = "a guess that says it is one"
OTHER_SIDE_REASON = "a line for the other side"


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence with its verdict and its evidence, in the form that the rubric needs."""

    sentence: CheckedSentence
    evidence: tuple[Evidence, ...] = ()

    @property
    def is_backed(self) -> bool:
        return self.sentence.verdict in {"supported", "partly"}


def checked_copy(text: str, playbook: Playbook, pages: Mapping[str, Page], sender: Sender | None) -> CheckedCopy:
    """Check each sentence of a pasted text, and score the whole text.

    `pages`: those pages of the playbook that are still stored, keyed by the digest of their text.

    Raises:
        InputError: If the text has no sentences, or too many of them.
    """
    pasted = read_pasted_text(text)
    if not (count := len([*pasted.sentences])) and not pasted.subject:
        raise InputError("text: it has no sentence; paste the e-mail or the script as you would send or say it", "text")
    if count > MAX_SENTENCES:
        raise InputError(
            f"text: it has {count} sentences; at most {MAX_SENTENCES} are checked at once; check it in parts",
            "text",
        )
    return Checker(pasted, playbook, tuple(searched_passages(playbook, pages)), sender or Sender()).copy


def searched_passages(playbook: Playbook, pages: Mapping[str, Page]) -> Iterator[CompanyPassage]:
    """Yield the passages in which the checks look for support.

    If a page is no longer stored, use the playbook's quotations from that page.
    """
    for read_page in playbook.pages:
        if page := pages.get(read_page.sha256):
            # Take the URL and the title from the playbook. The stored page can have a different URL, at which another
            # run has read the same text.
            ref = page.ref.model_copy(
                update={"url": read_page.url, "title": read_page.title, "sister_of": read_page.sister_of}
            )
            yield from (
                CompanyPassage(passage, read_page.role) for passage in passages(page.model_copy(update={"ref": ref}))
            )
    known = pages.keys()
    uncovered = (evidence for evidence in playbook.evidence.values() if evidence.page_sha256 not in known)
    yield from (CompanyPassage(as_passage(evidence), evidence.role) for evidence in uncovered)


@dataclass(frozen=True)
class Checker:
    """Checks one pasted text. `read` holds the passages in which to look for support."""

    pasted: PastedText
    playbook: Playbook
    read: Sequence[CompanyPassage]
    sender: Sender = field(default_factory=Sender)

    @property
    def copy(self) -> CheckedCopy:
        results = [*self._head(), *self._sentences, *self._sign_off()]
        faults = sorted(self._faults, key=lambda fault: -fault.cost)
        verdicts = [result.sentence.verdict for result in results]
        return CheckedCopy(
            kind=self.pasted.kind,
            counts={verdict: verdicts.count(verdict) for verdict in VERDICTS},
            sentences=tuple(result.sentence for result in results),
            score=scored(faults).points,
            faults=tuple(CopyFault(rule=fault.rule, text=fault.text) for fault in faults[:MAX_FAULTS]),
        )

    @cached_property
    def _deal(self) -> Deal:
        context = self.playbook.context.text if self.playbook.context else ""
        return Deal(self.playbook.vendor.name, self.playbook.prospect.name, context)

    @cached_property
    def _people(self) -> tuple[str, ...]:
        """The names that need no evidence: those of the sender, the recipient and the personas."""
        personas = (
            text for persona in self.playbook.priority_personas for text in (persona.title, persona.contact or "")
        )
        sender = (self.sender.name, self.sender.company, self.sender.title)
        return tuple(filter(None, (*self.pasted.people, *sender, *personas)))

    @cached_property
    def _speech(self) -> Speech:
        return Speech(self._deal, self._people)

    @cached_property
    def _sourcing(self) -> Sourcing:
        domains = (self.playbook.vendor.domain, self.playbook.prospect.domain)
        known = (*domains, *self._people)
        return Sourcing(Nearest(self.read), self._deal.vendor, self._deal.prospect, known, self._is_in_playbook)

    def _is_in_playbook(self, near: Near) -> bool:
        return self._from_playbook(near.evidence).id in self.playbook.evidence

    @cached_property
    def _playbook_claims(self) -> Mapping[str, FoundClaim]:
        """The playbook's sentences that are supported by evidence, keyed by their text.

        If the rep has copied one of these sentences, the verdict on the sentence is reused.
        """
        supported = (
            claim
            for claim in claims(self.playbook)
            if claim.support and claim.support.verdict in {"supported", "partly"}
        )
        return {normal(claim.text): claim for claim in supported}

    @cached_property
    def _sentences(self) -> tuple[Checked, ...]:
        return tuple(self._checked_in_turn())

    def _checked_in_turn(self) -> Iterator[Checked]:
        subject = ""
        for sentence in self.pasted.sentences:
            if sentence.is_theirs:
                yield _no_claim(sentence.text, OTHER_SIDE_REASON)
                continue
            yield self.checked(sentence.text, subject)
            subject = self._speech.subject_of(sentence.text, subject)

    def _head(self) -> Iterator[Checked]:
        if subject := self.pasted.subject:
            yield (
                self.checked(subject, "")
                if self._speech.is_claim_in_few_words(subject)
                else _no_claim(subject, "a subject line")
            )
        if self.pasted.greeting:
            yield _no_claim(self.pasted.greeting, "a greeting")

    def _sign_off(self) -> Iterator[Checked]:
        if self.pasted.signature:
            yield _no_claim("\n".join(self.pasted.signature), "a sign-off")

    def checked(self, text: str, subject: str = "") -> Checked:
        """Return the verdict on a sentence. `subject` is the company or person that the previous sentence is about."""
        if (claim := self._playbook_claims.get(normal(text))) and claim.support:
            return self._as_in_playbook(text, claim.evidence, claim.support)
        if reason := self._speech.claims_nothing(text):
            return _no_claim(text, reason)
        sourced = self._sourcing.of(self._speech.claim_of(text, subject), "inference" if hedged(text) else "fact")
        if sourced.is_unsaid and self._speech.is_mere_guess(text):
            return _no_claim(text, GUESS_REASON)
        return self._with_evidence(text, sourced)

    def _as_in_playbook(self, text: str, cited: Sequence[EvidenceId], support: Support) -> Checked:
        evidence = [self.playbook.evidence[id_] for id_ in cited if id_ in self.playbook.evidence]
        return _backed(text, "supported" if support.verdict == "supported" else "partly", support.reason, evidence)

    def _with_evidence(self, text: str, sourced: Sourced) -> Checked:
        evidence = [self._from_playbook(near.evidence) for near in sourced.near]
        if sourced.verdict == "not":
            nearest = _quote(evidence[0]) if evidence else None
            return Checked(CheckedSentence(text=text, verdict="not", reason=sourced.reason, nearest=nearest))
        return _backed(text, sourced.verdict, sourced.reason, evidence)

    def _from_playbook(self, quotation: Evidence) -> Evidence:
        """Return the playbook's evidence that contains this quotation.

        If the playbook has no such evidence, return the quotation itself.
        """
        known = self._evidence_by_page.get(quotation.page_sha256, ())
        return next((evidence for evidence in known if _contains(evidence, quotation)), quotation)

    @cached_property
    def _evidence_by_page(self) -> dict[str, list[Evidence]]:
        by_page: dict[str, list[Evidence]] = {}
        for evidence in self.playbook.evidence.values():
            by_page.setdefault(evidence.page_sha256, []).append(evidence)
        return by_page

    @property
    def _faults(self) -> list[Fault]:
        email = self._email
        with_frame = replace(email, paragraphs=(self.pasted.greeting, *email.paragraphs, *self.pasted.signature))
        errors = email_errors(with_frame)  # Blanks in the greeting and signature count, too: 'Hi [name],'.
        if self.pasted.kind == "email":
            return [*errors, *email_faults(email)]
        reasons = [
            result.sentence.text
            for result in self._sentences
            if result.is_backed and _cites("prospect", result.evidence)
        ]
        return [*errors, *script_faults(email, reasons)]

    @cached_property
    def _email(self) -> Email:
        """The pasted text, converted to an e-mail that the rules can check.

        The e-mail is treated as the first touch, because earlier touches are unknown.
        """
        claims_found = [result for result in self._sentences if result.sentence.verdict != "no claim"]
        paragraphs = tuple("".join(map(_with_end, paragraph)).strip() for paragraph in self.pasted.paragraphs)
        return Email(
            subject=self.pasted.subject,
            paragraphs=tuple(filter(None, paragraphs)),
            ask=ask_of(paragraphs),
            facts=tuple(result.sentence.text for result in claims_found if not hedged(result.sentence.text)),
            evidence=tuple({evidence.id: evidence for result in claims_found for evidence in result.evidence}.values()),
            deal=self._deal,
            language=language_of(" ".join(paragraphs)) or self.playbook.language,
        )


def _backed(text: str, verdict: CopyVerdict, reason: str, evidence: Sequence[Evidence]) -> Checked:
    quotes = tuple(map(_quote, evidence))
    return Checked(CheckedSentence(text=text, verdict=verdict, reason=reason, evidence=quotes), tuple(evidence))


def _with_end(sentence: PastedSentence) -> str:
    """Add a space to the end of a sentence.

    If the text does not end like a sentence, add a line break instead, because the text is probably an item of a list.
    """
    if sentence.is_theirs:
        return ""
    return f"{sentence.text} " if ends(sentence.text) else f"{sentence.text}\n"


def _no_claim(text: str, reason: str) -> Checked:
    return Checked(CheckedSentence(text=text, verdict="no claim", reason=reason))


def _quote(evidence: Evidence) -> CopyQuote:
    return CopyQuote(id=evidence.id, url=evidence.url, quote=evidence.quote)


def _contains(cited: Evidence, other: Evidence) -> bool:
    return cited.url == other.url and cited.start <= other.start and other.end <= cited.end


def _cites(role: str, evidence: Sequence[Evidence]) -> bool:
    return any(quoted.role == role for quoted in evidence)
