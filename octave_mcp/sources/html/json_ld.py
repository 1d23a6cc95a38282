"""What a page says in JSON-LD of its company, its products and those who rate them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from octave_mcp.sources.html.characters import cleaned
from octave_mcp.sources.html.tree import Element

Node = dict[str, Any]

# Most of schema.org's organisations are called so; `ORGANIZATIONS` are the others.
ORGANIZATION = re.compile(r"(?:Organization|Corporation|Business|Company|Store|Agency|Consortium|Cooperative|Union)$")
ORGANIZATIONS = frozenset(
    "NGO Airline Project CollegeOrUniversity School LibrarySystem Hospital Library Notary Attorney Dentist Physician"
    " RealEstateAgent LegalService FinancialService AccountingService ProfessionalService EmergencyService"
    " GovernmentOffice BankOrCreditUnion Hotel Resort Restaurant Bakery MedicalClinic Pharmacy AutoDealer AutoRepair"
    " HealthClub".split()
)
PRODUCT = re.compile(r"(?:Product|Application|Service|ProductGroup|ProductModel|WebAPI)$")
INSIDE = (
    *("@graph", "publisher", "provider", "mainEntity", "about", "itemListElement", "item", "hasPart"),
    *("makesOffer", "itemOffered", "hasOfferCatalog", "hasVariant"),
)
STRUCK_OUT = re.compile(r"(?:Strikethrough|List|MSRP|SRP|Regular)(?:Price)?$")
# UN/CEFACT's codes of the periods that schema.org bills by.
UNITS = {"MON": "month", "ANN": "year", "DAY": "day", "WEE": "week", "HUR": "hour"}
DURATION = re.compile(r"P(\d+)([DWMY])$")
DURATIONS = {"D": "day", "W": "week", "M": "month", "Y": "year"}
WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*$")
MARKUP = re.compile(r"<[^<>]{1,500}>")
BEFORE_MARK = re.compile(r" (?=[.,;:!?](?: |$))")
LONGEST = 500
MAX_NODES = 500
# Of prices, reviews, questions: more are a catalogue.
MOST_EACH = 10
NOTHING: Node = {}


def nodes(root: Element) -> list[Node]:
    """The nodes of the page, those in an @graph and those a node is about included; what is no JSON is passed over."""
    found: list[Node] = []
    for script in root.find("script"):
        if script.attributes.get("type", "").lower().partition(";")[0].strip() == "application/ld+json":
            try:
                document = json.loads(WRAPPING.sub("", "".join(script.strings())), strict=False)
            except (ValueError, RecursionError):
                continue
            found += _inner(document)
    return _linked(found[:MAX_NODES])


def _linked(found: list[Node]) -> list[Node]:
    """The nodes, those of one @id as one, with the nodes that they refer to in the place of the references."""
    whole: dict[str, Node] = {}
    for node in found:
        if isinstance(called := node.get("@id"), str) and len(node) > 1:
            whole[called] = {**node, **whole.get(called, {})}
    first = {str(node.get("@id") or id(node)): node for node in reversed(found)}
    return [_resolved(whole.get(called, node), whole) for called, node in reversed(first.items())]


def _resolved(node: Node, whole: dict[str, Node]) -> Node:
    return {key: _referred(value, whole) for key, value in node.items()}


def _referred(value: object, whole: dict[str, Node]) -> object:
    if isinstance(value, list):
        return [_target(one, whole) for one in cast("list[object]", value)]
    return _target(value, whole)


def _target(value: object, whole: dict[str, Node]) -> object:
    """The node that a value is a mere reference to, else the value."""
    if not isinstance(value, dict):
        return value
    node = cast("Node", value)
    called = node.get("@id") if node.keys() <= {"@id", "@type"} else None
    return whole.get(called, node) if isinstance(called, str) else node


def _inner(document: object) -> Iterator[Node]:
    waiting = many(document)
    for _ in range(MAX_NODES):
        if not waiting:
            return
        node = waiting.pop(0)
        if isinstance(node, dict):
            known = cast("Node", node)
            yield known
            for inside in INSIDE:
                waiting += many(known.get(inside))


def organization(known: list[Node]) -> Node:
    """The company that publishes the page, or else the first that the page names."""
    publishers = (
        node for of in known if _is_page(of) for node in nodes_in(of.get("publisher")) if _is_organization(node)
    )
    if publisher := next(publishers, None):
        return next((node for node in known if node.get("@id") == publisher.get("@id", NOTHING)), publisher)
    return next(filter(_is_organization, known), NOTHING)


def _is_page(node: Node) -> bool:
    return any(kind == "WebSite" or kind.endswith("Page") for kind in types(node))


def _is_organization(node: Node) -> bool:
    return bool(name(node)) and any(kind in ORGANIZATIONS or ORGANIZATION.search(kind) for kind in types(node))


def _is_product(node: Node) -> bool:
    return any(PRODUCT.search(kind) and kind not in ORGANIZATIONS for kind in types(node))


def facts(known: list[Node]) -> Iterator[tuple[str, str]]:
    """A label and what is said, in the order of the page; the company's own first."""
    yield from _of_company(organization(known))
    products = list(filter(_is_product, known))
    for product in products[:MOST_EACH]:
        yield "Product", ", ".join(filter(None, (name(product), line(product.get("applicationCategory")))))
        yield from (("Price", price) for price in _prices(product))
    named = {str(offer["@id"]) for product in products for offer in nodes_in(product.get("offers")) if "@id" in offer}
    alone = [node for node in known if types(node) & {"Offer", "AggregateOffer"} and str(node.get("@id")) not in named]
    yield from (("Price", price) for price in _of_offers(alone, ""))
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
    yield from _of_offers([*offers, *nested], name(product))


def _of_offers(offers: list[Node], product: str) -> Iterator[str]:
    for offer in offers[:MOST_EACH]:
        sold = (named for item in many(offer.get("itemOffered")) if (named := name(item)))
        called = name(offer) or next(sold, "") or product
        count = line(offer.get("offerCount"))
        for price in dict.fromkeys(filter(None, _prices_of(offer))):
            yield ": ".join(filter(None, (called, price))) + (f", {count} offers" if count else "")


def _prices_of(offer: Node) -> Iterator[str]:
    """The prices that hold, each with its currency and the period it is billed for; not those struck out."""
    currency = line(offer.get("priceCurrency"))
    further = [one for one in nodes_in(offer.get("priceSpecification")) if not _is_struck_out(one)]
    whole = [price for one in further if (price := _price(one, currency))]
    period = next((unit for one in (offer, *further) if (unit := _period(one))), "")
    said = _price(offer, currency)
    if said and not any(price.startswith(said) for price in whole):
        yield said if _period(offer) or not period or len(further) > 1 else f"{said} per {period}"
    yield from whole


def _price(offer: Node, currency: str) -> str:
    single = line(offer.get("price"))
    bounds = [
        line(offer.get(low)) or line(offer.get(least))
        for low, least in (("lowPrice", "minPrice"), ("highPrice", "maxPrice"))
    ]
    price = single or " to ".join(dict.fromkeys(filter(None, bounds)))
    if not price:
        return ""
    period = _period(offer)
    whole = " ".join(filter(None, (price, line(offer.get("priceCurrency")) or currency)))
    return f"{whole} per {period}" if period else whole


def _is_struck_out(price: Node) -> bool:
    return bool(STRUCK_OUT.search(line(price.get("priceType"))))


def _period(offer: Node) -> str:
    """What the price is billed for: a month, a user; empty if it says nothing."""
    quantity = next(iter(nodes_in(offer.get("referenceQuantity"))), NOTHING)
    many_of, unit = line(quantity.get("value")), _unit(quantity) or _unit(offer)
    if duration := DURATION.match(line(offer.get("billingDuration"))):
        many_of, unit = duration[1], DURATIONS[duration[2]]
    elif billed := line(offer.get("billingDuration")) or line(offer.get("billingIncrement")):
        many_of = many_of or billed
    return f"{many_of} {unit}s" if unit and many_of not in {"", "1", "1.0"} else unit


def _unit(of: Node) -> str:
    code = line(of.get("unitCode"))
    return line(of.get("unitText")).lower().removeprefix("per ") or UNITS.get(code, "")


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
    return {re.split("[/:#]", str(kind))[-1] for kind in many(node.get("@type"))}


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
