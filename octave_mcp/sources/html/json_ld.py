"""What a page says in JSON-LD of its company, its products and those who rate them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from octave_mcp.sources.html.characters import cleaned
from octave_mcp.sources.html.tree import Element

Node = dict[str, Any]

ORGANIZATIONS = frozenset({"Organization", "Corporation", "LocalBusiness", "NGO", "OnlineBusiness", "SoftwareCompany"})
PRODUCTS = frozenset(
    {"Product", "SoftwareApplication", "WebApplication", "MobileApplication", "Service", "ProductGroup"}
)
INSIDE = ("@graph", "publisher", "provider", "mainEntity", "about", "itemListElement", "item", "hasPart")
WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*$")
MARKUP = re.compile(r"<[^<>]{1,500}>")
BEFORE_MARK = re.compile(r" (?=[.,;:!?](?: |$))")
LONGEST = 500
MOST_NODES = 500
MOST_EACH = 10
"""Of prices, reviews, questions: more are a catalogue."""
NOTHING: Node = {}


def nodes(root: Element) -> list[Node]:
    """The nodes of the page, those in an @graph and those a node is about included; what is no JSON is passed over."""
    found: list[Node] = []
    for script in root.find("script"):
        if script.attributes.get("type", "").lower().partition(";")[0] == "application/ld+json":
            try:
                document = json.loads(WRAPPING.sub("", "".join(script.strings())), strict=False)
            except (ValueError, RecursionError):
                continue
            found += _inner(document)
    return found


def _inner(document: object) -> Iterator[Node]:
    waiting = many(document)
    for _ in range(MOST_NODES):
        if not waiting:
            return
        node = waiting.pop(0)
        if isinstance(node, dict):
            known = cast("Node", node)
            yield known
            for inside in INSIDE:
                waiting += many(known.get(inside))


def organization(known: list[Node]) -> Node:
    return next((node for node in known if not ORGANIZATIONS.isdisjoint(types(node))), NOTHING)


def facts(known: list[Node]) -> Iterator[tuple[str, str]]:
    """A label and what is said, in the order of the page; the company's own first."""
    yield from _of_company(organization(known))
    products = [node for node in known if not PRODUCTS.isdisjoint(types(node))]
    for product in products[:MOST_EACH]:
        yield "Product", ", ".join(filter(None, (name(product), line(product.get("applicationCategory")))))
        yield from (("Price", price) for price in _prices(product))
    rated = [node for node in known if isinstance(node.get("aggregateRating"), dict)]
    yield from (("Rating", _rating(node["aggregateRating"], name(node))) for node in rated[:MOST_EACH])
    reviews = [review for node in known for review in nodes_in(node.get("review"))]
    yield from (("Review", _review(review)) for review in reviews[:MOST_EACH])
    questions = [node for node in known if "Question" in types(node)]
    yield from (("Question", _answered(question)) for question in questions[:MOST_EACH])


def _of_company(company: Node) -> Iterator[tuple[str, str]]:
    legal = line(company.get("legalName"))
    yield "Legal name", legal if legal != name(company) else ""
    yield "Slogan", line(company.get("slogan"))
    yield "Employees", _employees(company.get("numberOfEmployees"))
    yield "Headquarters", _place(company.get("address"))
    yield "Awards", ", ".join(filter(None, map(line, (*many(company.get("award")), *many(company.get("awards"))))))


def _employees(value: object) -> str:
    if not isinstance(value, dict):
        return line(value)
    counted = cast("Node", value)
    bounds = [line(counted.get(bound)) for bound in ("value", "minValue", "maxValue")]
    return "–".join(filter(None, bounds))


def _place(value: object) -> str:
    address = next(iter(many(value)), "")
    if not isinstance(address, dict):
        return line(address)
    parts = cast("Node", address)
    return ", ".join(
        filter(None, (name(parts.get(part)) for part in ("addressLocality", "addressRegion", "addressCountry")))
    )


def _prices(product: Node) -> Iterator[str]:
    offers = nodes_in(product.get("offers"))
    nested = [inner for offer in offers for inner in nodes_in(offer.get("offers"))]
    for offer in (*offers, *nested)[:MOST_EACH]:
        amounts = (line(offer.get(amount)) for amount in ("price", "lowPrice", "highPrice"))
        price = " to ".join(filter(None, amounts))
        if price:
            whole = " ".join(filter(None, (price, line(offer.get("priceCurrency")))))
            yield ": ".join(filter(None, (name(offer) or name(product), whole)))


def _rating(rating: Node, of: str) -> str:
    value, count = line(rating.get("ratingValue")), line(rating.get("reviewCount")) or line(rating.get("ratingCount"))
    if not value:
        return ""
    said = f"{value} of {line(rating.get('bestRating')) or '5'}" + (f", from {count} ratings" if count else "")
    return ": ".join(filter(None, (of, said)))


def _review(review: Node) -> str:
    body = line(review.get("reviewBody")) or line(review.get("description"))
    who = next((called for author in many(review.get("author")) if (called := name(author))), "")
    return f"{body} — {who}" if body and who else body


def _answered(question: Node) -> str:
    answer = next((line(answer.get("text")) for answer in nodes_in(question.get("acceptedAnswer"))), "")
    return f"{name(question)} {answer}" if answer else ""


def many(value: object) -> list[object]:
    if value is None:
        return []
    return list(cast("list[object]", value)) if isinstance(value, list) else [value]


def nodes_in(value: object) -> list[Node]:
    return [cast("Node", node) for node in many(value) if isinstance(node, dict)]


def types(node: Node) -> set[str]:
    return {str(kind).rpartition("/")[2] for kind in many(node.get("@type"))}


def name(value: object) -> str:
    return line(cast("Node", value).get("name") if isinstance(value, dict) else value)


def image(value: object) -> str:
    """The address of an image, which may be an ImageObject."""
    first = next(iter(many(value)), "")
    node = cast("Node", first) if isinstance(first, dict) else {"url": first}
    return line(node.get("url")) or line(node.get("contentUrl"))


def line(value: object) -> str:
    """A text or a figure on one line, without markup; nothing of any other kind."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    flat = " ".join(cleaned(MARKUP.sub(" ", str(value))).split())
    return BEFORE_MARK.sub("", flat)[:LONGEST]
