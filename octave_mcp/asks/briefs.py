"""Renders the brief of an ask: a list of known facts, each with the numbers of the passages that support it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from octave_mcp.asks.notes import notes
from octave_mcp.asks.untrusted import MAX_NAME_LENGTH, Fence, one_line, plain
from octave_mcp.domain.asks import AddressesBrief, Ask, ReadingBrief, RevisionBrief, UnderstandingBrief, WritingBrief
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.kinds import kind_of_link
from octave_mcp.domain.page import Link
from octave_mcp.domain.value import Value
from octave_mcp.domain.verification import CitedClaim, VerificationBrief
from octave_mcp.evidence.dates import date_in_words

MAX_ADDRESS_LENGTH = 160
MAX_TITLE_LENGTH = 120


def brief_text(ask: Ask[Any, Any], numbers: Mapping[EvidenceId, int], fence: Fence) -> str:
    brief = ask.brief
    if isinstance(brief, AddressesBrief):
        listed = "\n".join(_candidate(at, link, brief.domain) for at, link in enumerate(brief.links, 1))
        return f"{_of_reading(brief, fence)}\n\n{fence.around('addresses', listed)}"
    if isinstance(brief, ReadingBrief):
        return _of_reading(brief, fence)
    if isinstance(brief, UnderstandingBrief):
        return _of_understanding(brief, numbers, fence)
    if isinstance(brief, RevisionBrief):
        return _of_revision(brief, fence)
    return _of_writing(ask, brief, numbers, fence)


def claims_text(brief: VerificationBrief, fence: Fence) -> str:
    """Render the numbered quotations, grouped by page, followed by the numbered claims that cite them."""
    claims = "\n".join(_claim(number, claim) for number, claim in enumerate(brief.claims, 1))
    quotations = "\n".join(_quotations(brief))
    return f"{fence.around('quotations', quotations)}\n\n{fence.around('claims', claims)}"


def _quotations(brief: VerificationBrief) -> Iterator[str]:
    names, page = {"vendor": brief.names.vendor, "prospect": brief.names.prospect}, ("", "")
    for number, quotation in enumerate(brief.quotations, 1):
        if page != (page := (quotation.role, quotation.title)):
            whose = plain(names.get(quotation.role, quotation.role))
            yield f"=== page of {whose}: {one_line(quotation.title)[:MAX_TITLE_LENGTH]}"
        yield f"[{number}] {one_line(quotation.text)}"


def _claim(number: int, claim: CitedClaim) -> str:
    label = f"{one_line(claim.label)}: " if claim.label else ""
    return f"{number}. {claim.kind} [{', '.join(map(str, claim.quotations))}] {label}{one_line(claim.text)}"


def _of_reading(brief: ReadingBrief, fence: Fence) -> str:
    whose = (
        f"The pages are those of {plain(brief.company) or brief.domain} ({brief.domain}), the {brief.role} of a deal"
    )
    other = f" with {plain(brief.counterpart)}" if brief.counterpart else ""
    sold = "" if brief.role == "vendor" else _sold(brief.counterpart, brief.offer, fence)
    return f"{whose}{other}.{_context(brief.context)}{sold}"


def _sold(vendor: str, offer: str, fence: Fence) -> str:
    """Render what the vendor sells. The text comes from the vendor's home page, so it is marked as untrusted."""
    heading = f"What {plain(vendor) or 'the vendor'} sells, in the words of its home page:"
    return f"\n\n{heading}\n{fence.around('offer', one_line(offer))}" if offer else ""


def _of_understanding(brief: UnderstandingBrief, numbers: Mapping[EvidenceId, int], fence: Fence) -> str:
    known = "\n".join(filter(None, (notes(brief.reading, numbers), notes(brief.findings, numbers))))
    noted = f"What was noted of {plain(brief.company)}:\n\n{fence.around('notes', known)}"
    return f"{noted}{_sold(brief.counterpart, brief.offer, fence)}"


def _of_revision(brief: RevisionBrief, fence: Fence) -> str:
    facts = [f"It is for the persona {plain(brief.persona)}."] if brief.persona else []
    facts += [f"It is touch {brief.place + 1} of its sequence."] if brief.place is not None else []
    surroundings = ""
    if brief.surroundings:
        surroundings = f"\n\nWhat stands beside it:\n\n{fence.around('beside', brief.surroundings)}"
    part = f"The part to write again:\n\n{fence.around('part', brief.part)}"
    return f"{part}{surroundings}\n\n{' '.join((*facts, *brief.facts))}".rstrip()


def _candidate(number: int, link: Link, domain: str) -> str:
    parts = urlsplit(link.url)
    host = parts.netloc.removeprefix("www.")
    address = f"{'' if host == domain else host}{parts.path}{f'?{parts.query}' if parts.query else ''}"
    kind = kind_of_link(link)
    return " | ".join(
        filter(None, (f"[{number}] {kind}", address[:MAX_ADDRESS_LENGTH], one_line(link.text)[:MAX_NAME_LENGTH]))
    )


def _context(context: str) -> str:
    text = plain(context, 1000)
    return f"\nThe user says of the deal, which steers what matters and is never evidence: {text}" if text else ""


def _of_writing(ask: Ask[Any, Any], brief: WritingBrief, numbers: Mapping[EvidenceId, int], fence: Fence) -> str:
    known = {
        "pitch of the vendor": brief.pitch,
        "found on the vendor's pages": brief.vendor,
        "found of the prospect": brief.prospect,
        "found of both": brief.findings,
    }
    text = "\n\n".join(f"{title}:\n{found}" for title, value in known.items() if (found := notes(value, numbers)))
    known_of_deal = " ".join(_facts(ask.whole, brief, numbers))
    return f"{fence.around('notes', text)}{_sold(brief.names.vendor, brief.offer, fence)}\n\n{known_of_deal}"


def _facts(form: type[Value], brief: WritingBrief, numbers: Mapping[EvidenceId, int]) -> Iterator[str]:
    """Yield facts about the deal that are not findings, such as today's date and the persona to write for."""
    vendor, prospect, persona = plain(brief.names.vendor), plain(brief.names.prospect), brief.persona
    if brief.read_on:
        yield f"Today is {date_in_words(brief.read_on.isoformat())}."
    yield f"{brief.pages_read} pages of {vendor} were read."
    if brief.is_thin:
        yield f"Little was found of {prospect}: write one touch for each persona, with a question and one proof."
    if brief.existing_customer:
        where = ", ".join(str(numbers[i]) for i in brief.existing_customer if i in numbers)
        yield f"{prospect} is already a customer of {vendor} (passages {where})."
    if brief.vendor_is_customer:
        where = ", ".join(str(numbers[i]) for i in brief.vendor_is_customer if i in numbers)
        yield f"{vendor} itself is a customer of {prospect} (passages {where})."
    if persona:
        yield f"Write for the persona `{persona.id}`, number {brief.rank + 1} of the list: {plain(persona.title)}."
    for at, each in enumerate(brief.personas, brief.rank + 1):
        yield f"`persona_{at}` is the persona `{each.id}`, number {at} of the list: {plain(each.title)}."
    if kind := _kind(form):
        yield f"The kind wanted now is `{kind}`."


def _kind(form: type[Value]) -> str:
    """Return the value of the field `kind` if the answer type allows only one value, otherwise ''."""
    field = form.model_fields.get("kind")
    words = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
    return words[0] if len(words) == 1 else ""
