"""Builds the brief, which is the first screen of a playbook.

The brief is built after all checks, so it never repeats a claim that the checks have dropped.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from octave_mcp.copywriting.committee import stale_contacts
from octave_mcp.copywriting.letterhead import person_of
from octave_mcp.domain.deal import Brief
from octave_mcp.domain.evidence import Claim, EvidenceId, Support
from octave_mcp.domain.findings import UNDATED, CompanyTrigger
from octave_mcp.domain.names import normal
from octave_mcp.domain.page import PageRef
from octave_mcp.domain.playbook import Playbook, PriorityPersona, TalkTrack, Touch
from octave_mcp.domain.sentence import Sentence
from octave_mcp.evidence.coherence import begins_in_the_middle
from octave_mcp.evidence.dates import date_in_words, is_over_a_year_old
from octave_mcp.evidence.figures import figures

# If the prospect's newest dated page is older than half a year, the brief tells the rep to look for news.
STALE_DAYS = 183
# Shorter quotations are usually bylines or dates. Such quotations are ignored, because they do not identify an event:
# several events on a page can share them.
MIN_QUOTE_LETTERS = 20
# Events from at least this many calendar years before the newest event are weak reasons to call now, even if they are
# important.
OLD_YEARS = 2
_MONTH_CHARACTERS = len("2024-03")
_NO_CONTENT = re.compile(r"\b(?:lorem ipsum|placeholder|coming soon|test page|untitled)\b", re.IGNORECASE)
# Matches sentences that refer to the previous sentence, such as 'With it, ...', 'Two of them ...' and 'These teams
# ...', but not 'Those who ...'.
_NEEDS_CONTEXT = re.compile(
    r"^(?:with|by|on|for|in|at|from|of) (?:it|this|that|them|these|those)\b"
    r"|\b(?:of|on|with|for|in) (?:them|these|those)\b(?! (?:who|which|that)\b)"
    r"|\b(?:these|those) (?!who\b|which\b|that\b)\w",
    re.IGNORECASE,
)
# A sentence such as 'Acme runs its shop on it' counts as proof, even if it has no figure and does not name the vendor.
_USES_IT = re.compile(r"\b(?:with|on|uses?|used|using) it\b", re.IGNORECASE)
_HEADING = re.compile(r"[\"“‘'(]*(?:how|why)\b", re.IGNORECASE)

CitedSentence = Sentence[EvidenceId]


@dataclass(frozen=True, slots=True)
class Known:
    """Facts that the brief needs and that are not in the playbook.

    `vendor_does`: the vendor's own description of its business.
    `vendor_pages`, `prospect_pages`: the pages that the run has read on each company's site.
    """

    vendor_does: Claim[EvidenceId] | None
    vendor_pages: Sequence[PageRef]
    prospect_pages: Sequence[PageRef]


def brief(playbook: Playbook, order: Sequence[CompanyTrigger], known: Known) -> Brief | None:
    """Return the brief for the first persona, or None if the playbook has no personas.

    `order`: the triggers that matter for the deal, with the most important first.
    """
    if not playbook.priority_personas:
        return None
    persona = playbook.priority_personas[0]
    touches = _touches(playbook, persona)
    track = next((track for track in playbook.talk_tracks if track.persona_id == persona.id), None)
    trigger = _trigger(playbook, order, (*_first_email(touches), *(track.cold_call.opener if track else ())))
    proof = _proof(playbook, touches)
    contact = persona.contact or ""
    return Brief(
        vendor_does=known.vendor_does,
        persona_id=persona.id,
        person=person_of(contact) or None,
        title=contact.removeprefix(person_of(contact)).strip(" ,()") or persona.title,
        why_now=_why_now(playbook, trigger),
        date=trigger.date if trigger else UNDATED,
        means=trigger.means if trigger and trigger.means and not _is_doubtful(trigger.means.support) else None,
        first_line=_first_line(track),
        proof=proof,
        question=_question(touches, track),
        email=_email_path(playbook, touches),
        warnings=tuple(_warnings(playbook, persona, trigger, proof, known)),
    )


def _touches(playbook: Playbook, persona: PriorityPersona) -> tuple[Touch, ...]:
    sequences = (sequence.touches for sequence in playbook.email_sequences if sequence.persona_id == persona.id)
    return next(sequences, ())


def _email_path(playbook: Playbook, touches: Sequence[Touch]) -> str | None:
    """Return the path of the first e-mail.

    Return None if there is no e-mail, or only an outline, which cannot be sent.
    """
    if not touches or touches[0].kind == "outline":
        return None
    place = next(place for place, sequence in enumerate(playbook.email_sequences) if sequence.touches is touches)
    return f"email_sequences.{place}.touches.0"


def _first_email(touches: Sequence[Touch]) -> tuple[CitedSentence, ...]:
    return tuple(sentence for touch in _finished(touches[:1]) for sentence in touch.sentences)


def _trigger(
    playbook: Playbook, order: Sequence[CompanyTrigger], sentences: Sequence[CitedSentence]
) -> CompanyTrigger | None:
    """Return the trigger that answers "why now".

    A trigger that the first e-mail or the call opener mentions takes precedence over a more important trigger. In this
    way, the brief, the e-mail and the call all use the same trigger.
    """
    candidates = [trigger for trigger in (*order, *playbook.triggers) if trigger.company == "prospect"]
    mentioned = [trigger for sentence in sentences for trigger in candidates if _mentions(playbook, sentence, trigger)]
    dated = [trigger for trigger in (*mentioned, *order, *_of_newest_month(candidates)) if trigger.date != UNDATED]
    newest = _newest_date(playbook)
    best = sorted(
        dated, key=lambda trigger: (_years_between(trigger.date, newest) >= OLD_YEARS, _is_doubtful(trigger.support))
    )
    return next(iter((*best, *candidates)), None)


def _is_doubtful(support: Support | None) -> bool:
    return support is not None and support.verdict == "partly"


def _mentions(playbook: Playbook, sentence: CitedSentence, trigger: CompanyTrigger) -> bool:
    quotes = set(_quotes(playbook, sentence.evidence))
    return any(_overlap(quote, quotes) for quote in _quotes(playbook, trigger.evidence))


def _newest_date(playbook: Playbook) -> str:
    """Return the date of the prospect's newest event, or '' if no event has a date."""
    dates = (trigger.date for trigger in playbook.triggers if trigger.company == "prospect" and trigger.date != UNDATED)
    return max(dates, default="")


def _years_between(earlier: str, later: str) -> int:
    return int(later[:4]) - int(earlier[:4])


def _of_newest_month(triggers: Sequence[CompanyTrigger]) -> list[CompanyTrigger]:
    """Return the triggers from the month of the newest trigger, with job openings last."""
    month = max((trigger.date[:_MONTH_CHARACTERS] for trigger in triggers if trigger.date != UNDATED), default="")
    return sorted((trigger for trigger in triggers if month and trigger.date.startswith(month)), key=_is_job)


def _is_job(trigger: CompanyTrigger) -> bool:
    return trigger.kind == "job_opening"


def _quotes(playbook: Playbook, evidence: Sequence[EvidenceId]) -> list[str]:
    """Return the quotations that are long enough to identify an event.

    Bylines and dates are left out, because several events can share them.
    """
    quotes = (playbook.evidence[id_].quote for id_ in evidence if id_ in playbook.evidence)
    return [quote for quote in quotes if sum(map(str.isalpha, quote)) >= MIN_QUOTE_LETTERS]


def _overlap(quote: str, others: set[str]) -> bool:
    return any(quote in other or other in quote for other in others)


def _why_now(playbook: Playbook, trigger: CompanyTrigger | None) -> CitedSentence | None:
    """Return a sentence that states the trigger. If there is no trigger, return the first reason in the summary.

    The text of a trigger for a job opening is only the job title, so the sentence adds the company's name.
    """
    if trigger is None:
        return next(iter(playbook.executive_summary.why_now), None)
    is_title = trigger.kind == "job_opening" and not trigger.what.rstrip().endswith(".")
    text = f"{playbook.prospect.name} is hiring: {trigger.what}" if is_title else trigger.what
    # Quotations with the event's figures come first and bylines come last, because the brief shows only the first
    # quotation.
    event_figures = figures(trigger.what)
    ranked = sorted(
        trigger.evidence,
        key=lambda id_: (not (quotes := _quotes(playbook, (id_,))), -len(event_figures & figures(" ".join(quotes)))),
    )
    return CitedSentence(text=text, kind="fact", evidence=tuple(ranked), support=trigger.support)


def _first_line(track: TalkTrack | None) -> str:
    """Return the opener of the call. Return '' for an outline, because its lines are not meant to be read aloud."""
    is_call = track is not None and track.kind == "call"
    return " ".join(sentence.text for sentence in track.cold_call.opener) if track and is_call else ""


def _proof(playbook: Playbook, touches: Sequence[Touch]) -> CitedSentence | None:
    """Return the strongest proof in the first two e-mails and on the battle cards.

    Sentences about a customer come first, then sentences with a result, then other claims about the vendor.
    """
    facts = [sentence for touch in _finished(touches[:2]) for sentence in touch.sentences if sentence.kind == "fact"]
    on_cards = [proof for card in playbook.battle_cards if card.kind == "why_we_win" for proof in card.proof]
    usable = [
        sentence
        for sentence in (*facts, *on_cards)
        if _cites_vendor(playbook, sentence) and _stands_alone(sentence.text)
    ]
    return min(
        usable,
        key=lambda sentence: (not _names_customer(playbook, sentence), not _proves(playbook, sentence)),
        default=None,
    )


def _proves(playbook: Playbook, sentence: CitedSentence) -> bool:
    """Whether the sentence says that a customer uses the product or got a result.

    Return True for 'Acme runs its shop on Globex' and 'Acme cut rework by 31%', but not for 'Acme wanted a new shop'.
    """
    names_vendor = normal(playbook.vendor.name) in normal(sentence.text)
    return bool(figures(sentence.text)) or names_vendor or bool(_USES_IT.search(sentence.text))


def _stands_alone(text: str) -> bool:
    """Whether the text can be understood without context.

    Headings such as 'How Acme halved its rework' are rejected, because they are not statements.
    """
    return not (_needs_context(text) or _HEADING.match(text))


def _needs_context(text: str) -> bool:
    return begins_in_the_middle(text) or bool(_NEEDS_CONTEXT.search(text))


def _finished(touches: Sequence[Touch]) -> list[Touch]:
    """Return only the e-mails. Outlines are left out, because each of their lines starts with a label."""
    return [touch for touch in touches if touch.kind == "email"]


def _cites_vendor(playbook: Playbook, sentence: CitedSentence) -> bool:
    return any(playbook.evidence[i].role == "vendor" for i in sentence.evidence if i in playbook.evidence)


def _names_customer(playbook: Playbook, sentence: CitedSentence) -> bool:
    """Whether the sentence names a customer other than the prospect."""
    elements = playbook.vendor_elements
    names = [story.customer for story in elements.case_studies] + [
        customer.name for customer in elements.reference_customers
    ]
    names += [point.company for point in elements.proof_points if point.company]
    names_of_others = {name for name in names if normal(name) != normal(playbook.prospect.name)}
    return any(name in sentence.text for name in names_of_others)


def _question(touches: Sequence[Touch], track: TalkTrack | None) -> str:
    """Return the first question that can be understood without context.

    The first e-mail is searched before the call script.
    """
    opener = track.cold_call.opener if track else ()
    questions = [sentence.text for sentence in (*_first_email(touches), *opener) if sentence.kind == "question"]
    questions += [item.question for item in track.discovery] if track else []
    return next(itertools.filterfalse(_needs_context, questions), next(iter(questions), ""))


def _warnings(
    playbook: Playbook,
    persona: PriorityPersona,
    trigger: CompanyTrigger | None,
    proof: CitedSentence | None,
    known: Known,
) -> Iterator[str]:
    today, name = playbook.generated_at.date(), playbook.prospect.name
    if trigger is None:
        yield f"Nothing dated was found on the pages of {name}: start with the question."
    elif is_over_a_year_old(_newest_date(playbook), today):
        yield f"Nothing of the last year was found at {name}: start with the question, not with the event."
    yield from _age_warnings(known.prospect_pages, name, today)
    yield from (f"{caution.avoid.rstrip('.')}: {caution.because.text}" for caution in persona.cautions[:1])
    if proof is None:
        yield f"No proof was found on the pages of {playbook.vendor.name}: bring your own."
    elif not _names_customer(playbook, proof):
        yield f"The proof is what {playbook.vendor.name} says of itself: no customer's result was found that fits."
    yield from stale_contacts(playbook.buying_committee)
    for page in known.vendor_pages:
        if _NO_CONTENT.search(page.title):
            yield f"Never link to {page.url}: it is a page without content."


def _age_warnings(pages: Sequence[PageRef], name: str, today: date) -> Iterator[str]:
    newest = max((page.published_on for page in pages if page.published_on), default=None)
    if newest and (today - newest).days > STALE_DAYS:
        day = date_in_words(newest.isoformat())
        yield f"The newest dated page read of {name} is from {day}: look for news before you write."
