"""The brief: written last, from what passed the checks, so it never says what the rest of the playbook does not."""

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

STALE_DAYS = 183
TELLING_LETTERS = 20
# So much older than the newest event, none is a reason to call now, however much it means.
OLD_YEARS = 2
_OF_MONTH = len("2024-03")
_NO_CONTENT = re.compile(r"\b(?:lorem ipsum|placeholder|coming soon|test page|untitled)\b", re.IGNORECASE)
# What needs the sentence before it.
_LEANS = re.compile(
    r"^(?:with|by|on|for|in|at|from|of) (?:it|this|that|them|these|those)\b"
    r"|\b(?:of|on|with|for|in) (?:them|these|those)\b(?! (?:who|which|that)\b)"
    r"|\b(?:these|those) (?!who\b|which\b|that\b)\w",
    re.IGNORECASE,
)
_USES = re.compile(r"\b(?:with|on|uses?|used|using) it\b", re.IGNORECASE)
_HEADING = re.compile(r"[\"“‘'(]*(?:how|why)\b", re.IGNORECASE)

Said = Sentence[EvidenceId]


@dataclass(frozen=True, slots=True)
class Known:
    """What the playbook does not have: what the vendor says it does, and the pages read of each company."""

    vendor_does: Claim[EvidenceId] | None
    vendor_pages: Sequence[PageRef]
    prospect_pages: Sequence[PageRef]


def brief(playbook: Playbook, order: Sequence[CompanyTrigger], known: Known) -> Brief | None:
    """For the first persona; None if there is none. `order` are the triggers by how much they matter."""
    if not playbook.priority_personas:
        return None
    persona = playbook.priority_personas[0]
    touches = _touches(playbook, persona)
    track = next((track for track in playbook.talk_tracks if track.persona_id == persona.id), None)
    trigger = _trigger(playbook, order, (*_opening(touches), *(track.cold_call.opener if track else ())))
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
        email=_path(playbook, touches),
        warnings=tuple(_warnings(playbook, persona, trigger, proof, known)),
    )


def _touches(playbook: Playbook, persona: PriorityPersona) -> tuple[Touch, ...]:
    found = (own.touches for own in playbook.email_sequences if own.persona_id == persona.id)
    return next(found, ())


def _path(playbook: Playbook, touches: Sequence[Touch]) -> str | None:
    """None for an outline, which nobody can send."""
    if not touches or touches[0].kind == "outline":
        return None
    at = next(at for at, own in enumerate(playbook.email_sequences) if own.touches is touches)
    return f"email_sequences.{at}.touches.0"


def _opening(touches: Sequence[Touch]) -> tuple[Said, ...]:
    return tuple(sentence for touch in _written(touches[:1]) for sentence in touch.sentences)


def _trigger(playbook: Playbook, order: Sequence[CompanyTrigger], said: Sequence[Said]) -> CompanyTrigger | None:
    """What the first e-mail and the first line say comes before what matters most, so that all tell one story."""
    theirs = [one for one in (*order, *playbook.triggers) if one.company == "prospect"]
    told = [one for sentence in said for one in theirs if _tells_of(playbook, sentence, one)]
    dated = [one for one in (*told, *order, *_latest(theirs)) if one.date != UNDATED]
    newest = _newest(playbook)
    best = sorted(dated, key=lambda one: (_years_between(one.date, newest) >= OLD_YEARS, _is_doubtful(one.support)))
    return next(iter((*best, *theirs)), None)


def _is_doubtful(support: Support | None) -> bool:
    return support is not None and support.verdict == "partly"


def _tells_of(playbook: Playbook, sentence: Said, trigger: CompanyTrigger) -> bool:
    quotes = set(_quotes(playbook, sentence.evidence))
    return any(_overlap(quote, quotes) for quote in _quotes(playbook, trigger.evidence))


def _newest(playbook: Playbook) -> str:
    """The date of the newest event of the prospect; '' if none is dated."""
    dates = (one.date for one in playbook.triggers if one.company == "prospect" and one.date != UNDATED)
    return max(dates, default="")


def _years_between(earlier: str, later: str) -> int:
    return int(later[:4]) - int(earlier[:4])


def _latest(triggers: Sequence[CompanyTrigger]) -> list[CompanyTrigger]:
    """Those of the newest month, in which an open job comes last."""
    month = max((one.date[:_OF_MONTH] for one in triggers if one.date != UNDATED), default="")
    return sorted((one for one in triggers if month and one.date.startswith(month)), key=_is_job)


def _is_job(trigger: CompanyTrigger) -> bool:
    return trigger.kind == "job_opening"


def _quotes(playbook: Playbook, evidence: Sequence[EvidenceId]) -> list[str]:
    """Without a byline or a date, which several events share."""
    quotes = (playbook.evidence[i].quote for i in evidence if i in playbook.evidence)
    return [quote for quote in quotes if sum(map(str.isalpha, quote)) >= TELLING_LETTERS]


def _overlap(quote: str, others: set[str]) -> bool:
    return any(quote in other or other in quote for other in others)


def _why_now(playbook: Playbook, trigger: CompanyTrigger | None) -> Said | None:
    """The event; a job that is open is listed by its title alone. Without any, what the summary says."""
    if trigger is None:
        return next(iter(playbook.executive_summary.why_now), None)
    is_title = trigger.kind == "job_opening" and not trigger.what.rstrip().endswith(".")
    text = f"{playbook.prospect.name} is hiring: {trigger.what}" if is_title else trigger.what
    wanted = figures(trigger.what)
    telling = sorted(
        trigger.evidence,
        key=lambda id_: (not (quotes := _quotes(playbook, (id_,))), -len(wanted & figures(" ".join(quotes)))),
    )
    return Said(text=text, kind="fact", evidence=tuple(telling), support=trigger.support)


def _first_line(track: TalkTrack | None) -> str:
    """An outline's opener is no line to say."""
    is_said = track is not None and track.kind == "call"
    return " ".join(sentence.text for sentence in track.cold_call.opener) if track and is_said else ""


def _proof(playbook: Playbook, touches: Sequence[Touch]) -> Said | None:
    """A customer's result from the first e-mails, else the first proof on the cards."""
    said = [one for touch in _written(touches[:2]) for one in touch.sentences if one.kind == "fact"]
    of_cards = [proof for card in playbook.battle_cards if card.kind == "why_we_win" for proof in card.proof]
    every = [one for one in (*said, *of_cards) if _is_of_vendor(playbook, one) and _stands_alone(one.text)]
    return min(every, key=lambda one: (not _is_of_customer(playbook, one), not _proves(playbook, one)), default=None)


def _proves(playbook: Playbook, sentence: Said) -> bool:
    """'Acme runs its page on Globex' and 'Acme cut rework by 31%' do; 'Acme wanted a new page' does not."""
    names_vendor = normal(playbook.vendor.name) in normal(sentence.text)
    return bool(figures(sentence.text)) or names_vendor or bool(_USES.search(sentence.text))


def _stands_alone(text: str) -> bool:
    """A heading such as 'How Acme halved its rework' is no sentence."""
    return not (_leans(text) or _HEADING.match(text))


def _leans(text: str) -> bool:
    return begins_in_the_middle(text) or bool(_LEANS.search(text))


def _written(touches: Sequence[Touch]) -> list[Touch]:
    """Without outlines, whose lines begin with what they are."""
    return [touch for touch in touches if touch.kind == "email"]


def _is_of_vendor(playbook: Playbook, sentence: Said) -> bool:
    return any(playbook.evidence[i].role == "vendor" for i in sentence.evidence if i in playbook.evidence)


def _is_of_customer(playbook: Playbook, sentence: Said) -> bool:
    """Whether it names a customer other than the prospect."""
    elements = playbook.vendor_elements
    names = [story.customer for story in elements.case_studies] + [one.name for one in elements.reference_customers]
    names += [point.company for point in elements.proof_points if point.company]
    others = {name for name in names if normal(name) != normal(playbook.prospect.name)}
    return any(name in sentence.text for name in others)


def _question(touches: Sequence[Touch], track: TalkTrack | None) -> str:
    """The question of the first e-mail, else one of the call: the first that can be asked without what precedes it."""
    opener = track.cold_call.opener if track else ()
    asked = [one.text for one in (*_opening(touches), *opener) if one.kind == "question"]
    asked += [item.question for item in track.discovery] if track else []
    return next(itertools.filterfalse(_leans, asked), next(iter(asked), ""))


def _warnings(
    playbook: Playbook, persona: PriorityPersona, trigger: CompanyTrigger | None, proof: Said | None, known: Known
) -> Iterator[str]:
    today, name = playbook.generated_at.date(), playbook.prospect.name
    if trigger is None:
        yield f"Nothing dated was found on the pages of {name}: start with the question."
    elif is_over_a_year_old(_newest(playbook), today):
        yield f"Nothing of the last year was found at {name}: start with the question, not with the event."
    yield from _of_age(known.prospect_pages, name, today)
    yield from (f"{caution.avoid.rstrip('.')}: {caution.because.text}" for caution in persona.cautions[:1])
    if proof is None:
        yield f"No proof was found on the pages of {playbook.vendor.name}: bring one of your own."
    elif not _is_of_customer(playbook, proof):
        yield f"The proof is what {playbook.vendor.name} says of itself: no customer's result was found that fits."
    yield from stale_contacts(playbook.buying_committee)
    for page in known.vendor_pages:
        if _NO_CONTENT.search(page.title):
            yield f"Never link to {page.url}: it is a page without content."


def _of_age(pages: Sequence[PageRef], name: str, today: date) -> Iterator[str]:
    newest = max((page.published_on for page in pages if page.published_on), default=None)
    if newest and (today - newest).days > STALE_DAYS:
        day = date_in_words(newest.isoformat())
        yield f"The newest dated page read of {name} is from {day}: look for news before you write."
