"""What a page says of itself where its readers do not look: meta, OpenGraph, JSON-LD."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from octave_mcp.domain.page import HeadFact, Place, Structured
from octave_mcp.sources.html import json_ld
from octave_mcp.sources.html.json_ld import LONGEST, Node, line, many, name
from octave_mcp.sources.html.tree import Element

ISO_DATE = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
DATED = re.compile(r"byline|date|publish|posted", re.IGNORECASE)
LONGEST_BYLINE_WORDS = 20
PLACES: dict[str, Place] = {"Title": "title", "Description": "description"}
DESCRIPTIONS = ("description", "og:description", "twitter:description")


@dataclass(frozen=True, slots=True)
class Head:
    """The titles of a page, what it says of itself, and the day it says it was published."""

    title: str
    structured: Structured
    published_on: date | None
    facts: tuple[tuple[str, str], ...]

    @property
    def describes_company(self) -> bool:
        """Whether it says more than a title and a description: of the company itself, or of what it sells."""
        return bool(self.structured.organization) or any(value for _, value in self.facts)

    def facts_beside(self, text: str) -> tuple[HeadFact, ...]:
        """What the head says of the page and its company; of products, prices and the like, what the text does not."""
        named = self.structured
        lines = (
            ("Site name", named.site_name),
            ("Title", self.title),
            ("Description", named.description),
            ("Organization", named.organization),
            ("Founded", named.founded),
            ("Founders", ", ".join(named.founders)),
        )
        further = ((label, value) for label, value in self.facts if value not in text)
        return tuple(
            HeadFact(label=label, where=PLACES.get(label, "structured_data"), value=value)
            for label, value in dict.fromkeys((*lines, *further))
            if value
        )


def head_of(root: Element) -> Head:
    meta = _meta(root)
    nodes = json_ld.nodes(root)
    company = json_ld.organization(nodes)
    title = next((line(element.text) for element in root.find("title")), "") or meta.get("og:title", "")
    structured = Structured(
        site_name=meta.get("og:site_name", "") or meta.get("application-name", ""),
        description=next(filter(None, map(meta.get, DESCRIPTIONS)), ""),
        organization=name(company),
        founded=line(company.get("foundingDate")),
        founders=tuple(dict.fromkeys(filter(None, map(name, many(company.get("founder")))))),
        same_as=tuple(filter(None, map(line, many(company.get("sameAs"))))),
        logo=json_ld.image(company.get("logo")) or meta.get("og:logo", "") or _shown_logo(root),
    )
    return Head(title, structured, _published(root, meta, nodes), tuple(json_ld.facts(nodes)))


def _shown_logo(root: Element) -> str:
    """The address of the first image that is called a logo."""
    images = ((image.name, image.attributes.get("src", "")) for image in root.find("img"))
    return next((src for name, src in images if "logo" in f"{name} {src.lower()}"), "")[:LONGEST]


def _meta(root: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in root.find("meta"):
        called = element.attributes.get("property") or element.attributes.get("name") or ""
        found.setdefault(called.lower(), line(element.attributes.get("content")))
    return found


def _published(root: Element, meta: dict[str, str], nodes: list[Node]) -> date | None:
    """The day that is written where pages write the day of their publication; of an index of posts, none."""
    said = [meta.get("article:published_time", ""), *(line(node.get("datePublished")) for node in nodes)]
    if day := next(filter(None, map(_day, said)), None):
        return day
    marked = (element for element in root.elements() if element.tag == "time" or DATED.search(element.name))
    days = list(dict.fromkeys(filter(None, map(_marked_day, marked))))
    return days[0] if len(days) == 1 or (days and meta.get("og:type") == "article") else None


def _marked_day(element: Element) -> date | None:
    if element.tag == "time":
        return _day(element.attributes.get("datetime", ""))
    return _day(element.text) if element.words <= LONGEST_BYLINE_WORDS else None


def _day(text: str) -> date | None:
    for found in ISO_DATE.findall(text[:LONGEST]):
        try:
            return date.fromisoformat(found)
        except ValueError:
            continue
    return None
