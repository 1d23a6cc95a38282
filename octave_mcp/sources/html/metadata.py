"""What a page says of itself where its readers do not look: meta, OpenGraph, JSON-LD."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from octave_mcp.domain.page import HeadFact, Place, Structured
from octave_mcp.sources.html import json_ld
from octave_mcp.sources.html.dating import Dated
from octave_mcp.sources.html.json_ld import LONGEST, line, many, name
from octave_mcp.sources.html.tree import Element

PLACES: dict[str, Place] = {"Title": "title", "Description": "description"}
DESCRIPTIONS = ("description", "og:description", "twitter:description")


@dataclass(frozen=True, slots=True)
class Head:
    """The titles of a page, what it says of itself, and the day that it is from."""

    title: str
    structured: Structured
    published_on: date | None
    facts: tuple[tuple[str, str], ...]

    site_names: frozenset[str]
    """What the site is called, in lower case: by its own account, and by its address."""

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


def head_of(root: Element, url: str, on: date) -> Head:
    """What the page at `url`, fetched on that day, says of itself."""
    meta = _meta(root)
    nodes = json_ld.nodes(root)
    company = json_ld.organization(nodes)
    title = next((line(element.text) for element in root.find("title")), "") or meta.get("og:title", "")
    structured = Structured(
        site_name=meta.get("og:site_name", "") or meta.get("application-name", ""),
        description=next(filter(None, map(meta.get, DESCRIPTIONS)), ""),
        organization=name(company),
        founded=line(company.get("foundingDate")),
        founders=tuple(
            dict.fromkeys(filter(None, map(name, (*many(company.get("founder")), *many(company.get("founders"))))))
        ),
        same_as=tuple(filter(None, map(line, many(company.get("sameAs"))))),
        logo=json_ld.image(company.get("logo")) or meta.get("og:logo", "") or _shown_logo(root),
    )
    called = (structured.site_name, structured.organization, *_labels(url))
    return Head(
        title,
        structured,
        Dated(root, meta, nodes, url, on).day(),
        tuple(json_ld.facts(nodes)),
        frozenset(called_so.casefold() for called_so in called if called_so),
    )


def _labels(url: str) -> tuple[str, ...]:
    """What the address calls the site: `acme.co.uk` and `acme`."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return (host, host.partition(".")[0])


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
