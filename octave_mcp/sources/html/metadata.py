"""Reads facts about a page and its company from the HTML head: meta elements, OpenGraph and JSON-LD."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from octave_mcp.domain.page import HeadFact, Place, Structured
from octave_mcp.sources.html import json_ld
from octave_mcp.sources.html.dating import DateFinder
from octave_mcp.sources.html.json_ld import MAX_VALUE_CHARACTERS, line, many, name
from octave_mcp.sources.html.tree import Element

FACT_PLACES: dict[str, Place] = {"Title": "title", "Description": "description"}
DESCRIPTION_META = ("description", "og:description", "twitter:description")


@dataclass(frozen=True, slots=True)
class Head:
    """The title, metadata (`Structured`) and date of a page, and further facts from JSON-LD as labels and values."""

    title: str
    structured: Structured
    published_on: date | None
    facts: tuple[tuple[str, str], ...]

    site_names: frozenset[str]
    """The names of the site in lower case, from its structured data and its host name."""

    @property
    def describes_company(self) -> bool:
        """Whether the HTML head has facts about the company or its products, and not only a title and a description."""
        return bool(self.structured.organization) or any(value for _, value in self.facts)

    def facts_missing_from(self, text: str) -> tuple[HeadFact, ...]:
        """Return the facts about the page and its company.

        Facts from JSON-LD are left out if the text contains them.
        """
        structured = self.structured
        lines = (
            ("Site name", structured.site_name),
            ("Title", self.title),
            ("Description", structured.description),
            ("Organization", structured.organization),
            ("Founded", structured.founded),
            ("Founders", ", ".join(structured.founders)),
        )
        other_facts = ((label, value) for label, value in self.facts if value not in text)
        return tuple(
            HeadFact(label=label, where=FACT_PLACES.get(label, "structured_data"), value=value)
            for label, value in dict.fromkeys((*lines, *other_facts))
            if value
        )


def head_of(root: Element, url: str, fetched_on: date) -> Head:
    """Read the HTML head of the page at `url`. Dates after `fetched_on` are ignored."""
    meta = _meta(root)
    nodes = json_ld.nodes(root)
    company = json_ld.organization(nodes)
    title = next((line(element.text) for element in root.find("title")), "") or meta.get("og:title", "")
    structured = Structured(
        site_name=meta.get("og:site_name", "") or meta.get("application-name", ""),
        description=next(filter(None, map(meta.get, DESCRIPTION_META)), ""),
        organization=name(company),
        founded=line(company.get("foundingDate")),
        founders=tuple(
            dict.fromkeys(filter(None, map(name, (*many(company.get("founder")), *many(company.get("founders"))))))
        ),
        same_as=tuple(filter(None, map(line, many(company.get("sameAs"))))),
        logo=json_ld.image(company.get("logo")) or meta.get("og:logo", "") or _first_logo(root),
    )
    site_names = (structured.site_name, structured.organization, *_host_names(url))
    return Head(
        title,
        structured,
        DateFinder(root, meta, nodes, url, fetched_on).find(),
        tuple(json_ld.facts(nodes)),
        frozenset(site_name.casefold() for site_name in site_names if site_name),
    )


def _host_names(url: str) -> tuple[str, ...]:
    """Return the host name and its first label, both without "www.": `acme.co.uk` and `acme`."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return (host, host.partition(".")[0])


def _first_logo(root: Element) -> str:
    """Return the URL of the first image with "logo" in its class, id or URL."""
    images = ((image.name, image.attributes.get("src", "")) for image in root.find("img"))
    return next((src for name, src in images if "logo" in f"{name} {src.lower()}"), "")[:MAX_VALUE_CHARACTERS]


def _meta(root: Element) -> dict[str, str]:
    meta: dict[str, str] = {}
    for element in root.find("meta"):
        key = element.attributes.get("property") or element.attributes.get("name") or ""
        meta.setdefault(key.lower(), line(element.attributes.get("content")))
    return meta
