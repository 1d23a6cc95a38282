"""Reads facts about a company, its products, prices and ratings from the JSON-LD of a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from octave_mcp.sources.html.characters import cleaned
from octave_mcp.sources.html.tree import Element

Node = dict[str, Any]

# Many schema.org types for organizations end with one of these words. `ORGANIZATIONS` lists others.
ORGANIZATION = re.compile(r"(?:Organization|Corporation|Business|Company|Store|Agency|Consortium|Cooperative|Union)$")
ORGANIZATIONS = frozenset(
    "NGO Airline Project CollegeOrUniversity School LibrarySystem Hospital Library Notary Attorney Dentist Physician"
    " RealEstateAgent LegalService FinancialService AccountingService ProfessionalService EmergencyService"
    " GovernmentOffice BankOrCreditUnion Hotel Resort Restaurant Bakery MedicalClinic Pharmacy AutoDealer AutoRepair"
    " HealthClub".split()
)
PRODUCT = re.compile(r"(?:Product|Application|Service|ProductGroup|ProductModel|WebAPI)$")
NESTED_KEYS = (
    *("@graph", "publisher", "provider", "mainEntity", "about", "itemListElement", "item", "hasPart"),
    *("makesOffer", "itemOffered", "hasOfferCatalog", "hasVariant"),
)
# These values of `priceType` mark list prices and former or recommended prices, which customers usually do not pay.
LIST_PRICE_TYPE = re.compile(r"(?:Strikethrough|List|MSRP|SRP|Regular)(?:Price)?$")
# UN/CEFACT codes for billing periods, which schema.org uses in `unitCode`.
UNIT_CODES = {"MON": "month", "ANN": "year", "DAY": "day", "WEE": "week", "HUR": "hour"}
DURATION = re.compile(r"P(\d+)([DWMY])$")
DURATIONS = {"D": "day", "W": "week", "M": "month", "Y": "year"}
# Matches the markup in which old templates wrap JSON-LD, such as `<!-- -->` and `//<![CDATA[ ]]>`.
COMMENT_WRAPPER = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*$")
MARKUP = re.compile(r"<[^<>]{1,500}>")
# Matches a space before punctuation. Removing tags can leave such a space: "Acme <b>Pro</b>." becomes "Acme Pro .".
SPACE_BEFORE_PUNCTUATION = re.compile(r" (?=[.,;:!?](?: |$))")
MAX_VALUE_CHARACTERS = 500
MAX_NODES = 500
# A page with many products, reviews or questions is often a catalogue, so only this many of each kind are used.
MAX_FACTS_PER_KIND = 10
NOTHING: Node = {}


def nodes(root: Element) -> list[Node]:
    """Return the JSON-LD nodes of a page, including nested ones. Invalid JSON is skipped."""
    collected: list[Node] = []
    for script in root.find("script"):
        if script.attributes.get("type", "").lower().partition(";")[0].strip() == "application/ld+json":
            try:
                document = json.loads(COMMENT_WRAPPER.sub("", "".join(script.strings())), strict=False)
            except (ValueError, RecursionError):
                continue
            collected += _nested_nodes(document)
    return _with_references(collected[:MAX_NODES])


def _with_references(collected: list[Node]) -> list[Node]:
    """Merge the nodes that have the same `@id`, and replace each reference with the node to which it refers."""
    by_id: dict[str, Node] = {}
    for node in collected:
        if isinstance(node_id := node.get("@id"), str) and len(node) > 1:
            by_id[node_id] = {**node, **by_id.get(node_id, {})}
    first_nodes = {str(node.get("@id") or id(node)): node for node in reversed(collected)}
    return [_with_resolved_values(by_id.get(node_id, node), by_id) for node_id, node in reversed(first_nodes.items())]


def _with_resolved_values(node: Node, by_id: dict[str, Node]) -> Node:
    return {key: _dereferenced(value, by_id) for key, value in node.items()}


def _dereferenced(value: object, by_id: dict[str, Node]) -> object:
    if isinstance(value, list):
        return [_referenced_node(item, by_id) for item in cast("list[object]", value)]
    return _referenced_node(value, by_id)


def _referenced_node(value: object, by_id: dict[str, Node]) -> object:
    """If a value is a reference (`{"@id": ...}`), return the node to which it refers.

    Return any other value unchanged.
    """
    if not isinstance(value, dict):
        return value
    node = cast("Node", value)
    node_id = node.get("@id") if node.keys() <= {"@id", "@type"} else None
    return by_id.get(node_id, node) if isinstance(node_id, str) else node


def _nested_nodes(document: object) -> Iterator[Node]:
    pending = many(document)
    for _ in range(MAX_NODES):
        if not pending:
            return
        node = pending.pop(0)
        if isinstance(node, dict):
            typed = cast("Node", node)
            yield typed
            for key in NESTED_KEYS:
                pending += many(typed.get(key))


def organization(all_nodes: list[Node]) -> Node:
    """Return the organization that publishes the page.

    If the publisher is unknown, return the first organization on the page.
    """
    publishers = (
        node
        for page in all_nodes
        if _is_page(page)
        for node in nodes_in(page.get("publisher"))
        if _is_organization(node)
    )
    if publisher := next(publishers, None):
        return next((node for node in all_nodes if node.get("@id") == publisher.get("@id", NOTHING)), publisher)
    return next(filter(_is_organization, all_nodes), NOTHING)


def _is_page(node: Node) -> bool:
    return any(kind == "WebSite" or kind.endswith("Page") for kind in types(node))


def _is_organization(node: Node) -> bool:
    return bool(name(node)) and any(kind in ORGANIZATIONS or ORGANIZATION.search(kind) for kind in types(node))


def _is_product(node: Node) -> bool:
    return any(PRODUCT.search(kind) and kind not in ORGANIZATIONS for kind in types(node))


def facts(all_nodes: list[Node]) -> Iterator[tuple[str, str]]:
    """Yield facts as pairs of a label and a value.

    Facts about the company come first, then products, prices, ratings and questions.
    """
    yield from _company_facts(organization(all_nodes))
    products = list(filter(_is_product, all_nodes))
    for product in products[:MAX_FACTS_PER_KIND]:
        yield "Product", ", ".join(filter(None, (name(product), line(product.get("applicationCategory")))))
        yield from (("Price", price) for price in _product_prices(product))
    offer_ids = {
        str(offer["@id"]) for product in products for offer in nodes_in(product.get("offers")) if "@id" in offer
    }
    separate_offers = [
        node
        for node in all_nodes
        if types(node) & {"Offer", "AggregateOffer"} and str(node.get("@id")) not in offer_ids
    ]
    yield from (("Price", price) for price in _offer_prices(separate_offers, ""))
    rated = [node for node in all_nodes if isinstance(node.get("aggregateRating"), dict)]
    yield from (("Rating", _rating_text(node["aggregateRating"], name(node))) for node in rated[:MAX_FACTS_PER_KIND])
    reviews = [review for node in all_nodes for review in nodes_in(node.get("review"))]
    yield from (("Review", _review_text(review)) for review in reviews[:MAX_FACTS_PER_KIND])
    questions = [node for node in all_nodes if "Question" in types(node)]
    yield from (("Question", _question_text(question)) for question in questions[:MAX_FACTS_PER_KIND])


def _company_facts(company: Node) -> Iterator[tuple[str, str]]:
    legal = line(company.get("legalName"))
    yield "Legal name", legal if legal != name(company) else ""
    yield "Slogan", line(company.get("slogan"))
    yield "Employees", _employees(company.get("numberOfEmployees"))
    yield "Headquarters", _place(company.get("address"))
    yield "Awards", ", ".join(filter(None, map(line, (*many(company.get("award")), *many(company.get("awards"))))))


def _employees(value: object) -> str:
    if not isinstance(value, dict):
        return line(value)
    quantity = cast("Node", value)
    bounds = [line(quantity.get(bound)) for bound in ("value", "minValue", "maxValue")]
    return "–".join(filter(None, bounds))


def _place(value: object) -> str:
    address = next(iter(many(value)), "")
    if not isinstance(address, dict):
        return line(address)
    parts = cast("Node", address)
    return ", ".join(
        filter(None, (name(parts.get(part)) for part in ("addressLocality", "addressRegion", "addressCountry")))
    )


def _product_prices(product: Node) -> Iterator[str]:
    offers = nodes_in(product.get("offers"))
    nested = [inner for offer in offers for inner in nodes_in(offer.get("offers"))]
    yield from _offer_prices([*offers, *nested], name(product))


def _offer_prices(offers: list[Node], product: str) -> Iterator[str]:
    for offer in offers[:MAX_FACTS_PER_KIND]:
        item_names = (item_name for item in many(offer.get("itemOffered")) if (item_name := name(item)))
        label = name(offer) or next(item_names, "") or product
        count = line(offer.get("offerCount"))
        for price in dict.fromkeys(filter(None, _current_prices(offer))):
            yield ": ".join(filter(None, (label, price))) + (f", {count} offers" if count else "")


def _current_prices(offer: Node) -> Iterator[str]:
    """Yield the current prices of an offer, with currency and billing period.

    Former and recommended prices are left out.
    """
    currency = line(offer.get("priceCurrency"))
    specs = [spec for spec in nodes_in(offer.get("priceSpecification")) if not _is_list_price(spec)]
    prices = [price for spec in specs if (price := _price_text(spec, currency))]
    period = next((unit for spec in (offer, *specs) if (unit := _billing_period(spec))), "")
    own_price = _price_text(offer, currency)
    if own_price and not any(price.startswith(own_price) for price in prices):
        yield own_price if _billing_period(offer) or not period or len(specs) > 1 else f"{own_price} per {period}"
    yield from prices


def _price_text(offer: Node, currency: str) -> str:
    single = line(offer.get("price"))
    bounds = [
        line(offer.get(low)) or line(offer.get(alternative))
        for low, alternative in (("lowPrice", "minPrice"), ("highPrice", "maxPrice"))
    ]
    price = single or " to ".join(dict.fromkeys(filter(None, bounds)))
    if not price:
        return ""
    period = _billing_period(offer)
    text = " ".join(filter(None, (price, line(offer.get("priceCurrency")) or currency)))
    return f"{text} per {period}" if period else text


def _is_list_price(price: Node) -> bool:
    return bool(LIST_PRICE_TYPE.search(line(price.get("priceType"))))


def _billing_period(offer: Node) -> str:
    """Return the unit after "per" in a price, such as "month", "user" or "3 months".

    Return '' if the unit is unknown.
    """
    quantity = next(iter(nodes_in(offer.get("referenceQuantity"))), NOTHING)
    quantity_text, unit = line(quantity.get("value")), _unit_name(quantity) or _unit_name(offer)
    if duration := DURATION.match(line(offer.get("billingDuration"))):
        quantity_text, unit = duration[1], DURATIONS[duration[2]]
    elif billed := line(offer.get("billingDuration")) or line(offer.get("billingIncrement")):
        quantity_text = quantity_text or billed
    return f"{quantity_text} {unit}s" if unit and quantity_text not in {"", "1", "1.0"} else unit


def _unit_name(quantity: Node) -> str:
    code = line(quantity.get("unitCode"))
    return line(quantity.get("unitText")).lower().removeprefix("per ") or UNIT_CODES.get(code, "")


def _rating_text(rating: Node, rated_name: str) -> str:
    value, count = line(rating.get("ratingValue")), line(rating.get("reviewCount")) or line(rating.get("ratingCount"))
    if not value:
        return ""
    text = f"{value} of {line(rating.get('bestRating')) or '5'}" + (f", from {count} ratings" if count else "")
    return ": ".join(filter(None, (rated_name, text)))


def _review_text(review: Node) -> str:
    body = line(review.get("reviewBody")) or line(review.get("description"))
    author_name = next((author_name for author in many(review.get("author")) if (author_name := name(author))), "")
    return f"{body} — {author_name}" if body and author_name else body


def _question_text(question: Node) -> str:
    answer = next((line(answer.get("text")) for answer in nodes_in(question.get("acceptedAnswer"))), "")
    return f"{name(question)} {answer}" if answer else ""


def many(value: object) -> list[object]:
    if value is None:
        return []
    return list(cast("list[object]", value)) if isinstance(value, list) else [value]


def nodes_in(value: object) -> list[Node]:
    return [cast("Node", node) for node in many(value) if isinstance(node, dict)]


def types(node: Node) -> set[str]:
    return {re.split("[/:#]", str(kind))[-1] for kind in many(node.get("@type"))}


def name(value: object) -> str:
    return line(cast("Node", value).get("name") if isinstance(value, dict) else value)


def image(value: object) -> str:
    """Return the URL of an image. `value` is the URL itself or an `ImageObject`."""
    first = next(iter(many(value)), "")
    node = cast("Node", first) if isinstance(first, dict) else {"url": first}
    return line(node.get("url")) or line(node.get("contentUrl"))


def line(value: object) -> str:
    """Return a string or number as one line of text without markup. Return '' for any other value."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    flat = " ".join(cleaned(MARKUP.sub(" ", str(value))).split())
    return SPACE_BEFORE_PUNCTUATION.sub("", flat)[:MAX_VALUE_CHARACTERS]
