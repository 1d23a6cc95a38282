"""What a page says of itself where its readers do not look: meta, OpenGraph, JSON-LD."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from octave_mcp.domain.page import STRUCTURED_HEADING, Structured
from octave_mcp.sources.crawler.characters import cleaned
from octave_mcp.sources.crawler.tree import Element

ORGANIZATIONS = frozenset({"Organization", "Corporation", "LocalBusiness", "NGO", "OnlineBusiness", "SoftwareCompany"})
ISO_DATE = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
DATED = re.compile(r"byline|date|publish|posted", re.IGNORECASE)
LONGEST = 500
LONGEST_BYLINE_WORDS = 20
MOST_NODES = 500
NOTHING: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Head:
    """The titles of a page, what it says of itself, and the day it says it was published."""

    title: str
    structured: Structured
    published_on: date | None

    @property
    def block(self) -> str:
        """The facts as the last section of the page's text; empty if there are none."""
        named = self.structured
        lines = (
            ("Site name", named.site_name),
            ("Title", self.title),
            ("Description", named.description),
            ("Organization", named.organization),
            ("Founded", named.founded),
            ("Founders", ", ".join(named.founders)),
        )
        facts = [f"{label}: {value}" for label, value in lines if value]
        return "\n\n".join([f"## {STRUCTURED_HEADING}", *facts]) if facts else ""


def head_of(root: Element) -> Head:
    meta = _meta(root)
    nodes = list(_json_ld(root))
    organization = next((node for node in nodes if not ORGANIZATIONS.isdisjoint(_types(node))), NOTHING)
    title = next((_line(element.text) for element in root.find("title")), "") or meta.get("og:title", "")
    structured = Structured(
        site_name=meta.get("og:site_name", "") or meta.get("application-name", ""),
        description=meta.get("description", "") or meta.get("og:description", ""),
        organization=_name(organization),
        founded=_line(organization.get("foundingDate")),
        founders=tuple(dict.fromkeys(filter(None, map(_name, _many(organization.get("founder")))))),
    )
    return Head(title, structured, _published(root, meta, nodes))


def _meta(root: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in root.find("meta"):
        name = element.attributes.get("property") or element.attributes.get("name") or ""
        found.setdefault(name.lower(), _line(element.attributes.get("content")))
    return found


def _json_ld(root: Element) -> Iterator[dict[str, Any]]:
    for script in root.find("script"):
        if script.attributes.get("type", "").lower() == "application/ld+json":
            try:
                yield from _nodes(json.loads("".join(script.strings())))
            except (ValueError, RecursionError):
                continue


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    """The nodes of a document, those of its @graph and its publisher included."""
    waiting = _many(value)
    for _ in range(MOST_NODES):
        if not waiting:
            return
        node = waiting.pop(0)
        if isinstance(node, dict):
            known = cast("dict[str, Any]", node)
            yield known
            for inside in ("@graph", "publisher", "mainEntity", "about"):
                waiting += _many(known.get(inside))


def _many(value: object) -> list[object]:
    if value is None:
        return []
    return list(cast("list[object]", value)) if isinstance(value, list) else [value]


def _types(node: dict[str, Any]) -> set[str]:
    return {str(kind).rpartition("/")[2] for kind in _many(node.get("@type"))}


def _name(value: object) -> str:
    return _line(cast("dict[str, Any]", value).get("name") if isinstance(value, dict) else value)


def _line(value: object) -> str:
    return " ".join(cleaned(value).split())[:LONGEST] if isinstance(value, str) else ""


def _published(root: Element, meta: dict[str, str], nodes: list[dict[str, Any]]) -> date | None:
    """The day that is written where pages write the day of their publication; of an index of posts, none."""
    said = [meta.get("article:published_time", ""), *(_line(node.get("datePublished")) for node in nodes)]
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
