"""Finds audiences that have their own page ('Analytics for agencies') or are in a list of industries or roles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from octave_mcp.models.extractive.headings import (
    is_not_product_page,
    leads_elsewhere,
    share_a_word,
    with_headings_above,
)
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

# If a text has more words than this, it is probably part of a sentence, not the name of an audience.
_MAX_WORDS = 6
_FOR = re.compile(r"\b(?:for|in) (?:the )?(?P<who>[^:|–—.]+?)(?=$|\s*[:|–—.]|\s-\s)")
_PEOPLE = re.compile(
    r"\b(?:teams?|founders?|professionals|freelancers|creators|bloggers|leaders|managers|students|families|engineers|"
    r"developers|marketers|designers|analysts|scientists|operators|accountants|therapists|parents|homeowners|"
    r"teachers|individuals|makers|recruiters|hobbyists)\b",
    re.IGNORECASE,
)
_COMPANIES = re.compile(
    r"\b(?:companies|business(?:es)?|startups?|enterprises?|organi[sz]ations|agencies|retail(?:ers)?|brands|firms|stores|"
    r"shops|schools|universities|hospitals|clinics|banks?|banking|manufactur\w+|nonprofits|publishers|merchants|"
    r"e[-‑]?commerce|SaaS|SMBs?|government|public sector|education|healthcare|life sciences|financ\w+|insurance|"
    r"automotive|telco|telecom\w*|energy|logistics|gaming|hospitality|real estate|aerospace|construction|agriculture|"
    r"robotics|industrial|pharma\w*)\b",
    re.IGNORECASE,
)
_LISTS_AUDIENCES = re.compile(
    r"\b(?:by|for) (?:every |each |your )?(?:industr(?:y|ies)|role|team|sector)\b|^(?:our )?(?:industries|sectors)$|"
    r"\bindustry solutions\b|\bwho (?:it['’]?s|is it|we (?:serve|help|build)) for\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Audience:
    kind: Literal["persona", "icp"]
    who: str
    heading: Line
    description: Line


def audiences(page: ReadPage) -> Iterator[Audience]:
    if page.is_post or page.page.kind not in {"home", "product", "persona"} or is_not_product_page(page.page.url):
        return
    titles = (page.headline, *(fact for fact in page.head if fact.label == "Title"))
    if audience := next(filter(None, (_page_audience(page, title) for title in titles if title)), None):
        yield audience
    for section, above in with_headings_above(page.sections):
        if section.heading and any(_LISTS_AUDIENCES.search(line.text) for line in above):
            description = next((line for line in section.lines[:1] if line.is_whole), section.heading)
            if (kind := _kind(section.title)) and not leads_elsewhere(section.title):
                yield Audience(kind, section.title.strip(" ."), section.heading, description)


def _page_audience(page: ReadPage, headline: Line) -> Audience | None:
    """Return the audience that the headline names, if the page's URL names it too.

    A headline can mention an audience that its page is not about ('Fair prices for startups' at '/plans'), so the URL
    must name the audience, too.
    """
    slug = urlsplit(page.page.url).path.rstrip("/").rsplit("/", 1)[-1].replace("-", " ")
    match = _FOR.search(headline.text)
    if match is None or not share_a_word(match["who"], slug, ""):
        return None
    who = match["who"].strip()
    kind = _kind(who)
    return Audience(kind, who, headline, headline) if kind else None


def _kind(who: str) -> Literal["persona", "icp"] | None:
    if not 1 <= len(who.split()) <= _MAX_WORDS or re.search(r"\b(?:you|your|any|every|all)\b", who, re.IGNORECASE):
        return None
    return "persona" if _PEOPLE.search(who) else "icp" if _COMPANIES.search(who) else None
