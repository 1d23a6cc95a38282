"""Detection of bot walls, and the date, language, title and structured data that extraction finds on a page."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from octave_mcp.domain.company import Company
from octave_mcp.domain.page import Page
from octave_mcp.sources.failures import PageFailed
from octave_mcp.sources.html.extraction import page_of

ACME = Company(role="vendor", domain="acme.com", url="https://acme.com")
NOW = datetime(2026, 11, 26, tzinfo=UTC)
NEWS = "https://acme.com/news/cork"
SCRIPT = "<script src=/a.js></script>"
LONG = "Acme keeps scripts out of bakeries' shops, without a puzzle. " * 15


def read(html: str, url: str = NEWS) -> Page:
    return page_of(html, url, ACME, NOW)


def outcome(html: str) -> str:
    try:
        read(html)
    except PageFailed as error:
        return error.failure.code
    return "read"


def json_ld(*documents: object) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(document)}</script>' for document in documents)


@pytest.mark.parametrize(
    ("title", "body", "code"),
    [
        ("Access denied", "<p>You don't have permission to access this server. Reference #18.2f</p>", "bot_wall"),
        ("Attention Required! | Cloudflare", "<h1>Sorry, you have been blocked</h1>", "bot_wall"),
        ("Un instant…", "<p>x</p>", "bot_wall"),
        ("Pardon Our Interruption", "<p>Something about your browser made us think you were a bot.</p>", "bot_wall"),
        ("acme.com", "<p>Press &amp; Hold to confirm you are a human. Reference ID 12</p>", "bot_wall"),
        ("Robot Check", "<p>Sorry, we need to make sure you're not a robot.</p>", "bot_wall"),
        ("acme.com", "<p>Our systems have detected unusual traffic from your computer network.</p>", "bot_wall"),
        ("Bot detection | Acme", f"<h1>Bot detection</h1><p>{LONG}</p>", "read"),
        ("Bot detection | Acme", "<h1>Bot detection</h1><p>Shield tells scripts from shoppers.</p>", "read"),
        ("Just a moment: what waiting costs | Acme", "<h1>Just a moment</h1><p>Shops lose 9%.</p>" + LONG, "read"),
        ("Security check | Acme", "<h1>Security check</h1><p>A specialist visits the depot for 400 euros.</p>", "read"),
        ("Captcha | Acme", "<p>Shoppers who read “Checking your browser” leave. Shield lets them in.</p>", "read"),
        ("Shield | Acme", "<p>Shield stops unusual traffic from your rivals.</p>", "read"),
        ("Un instant avec Ann Lee | Acme", "<p>Elle dirige le site de Gand.</p>", "read"),
    ],
)
def test_a_bot_wall_is_recognised_and_a_page_about_bots_is_not_taken_for_one(title: str, body: str, code: str) -> None:
    assert outcome(f"<title>{title}</title><main>{body}</main>") == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            "<h1>Acme</h1><p>Please log in to see this page. Forgot your password?</p><input type=password>",
            "login_wall",
        ),
        ("<h1>Log in</h1><p>Welcome back.</p>", "login_wall"),
        (
            (
                "<h1>Bread for all</h1><p>We bake at night in Ghent and deliver to each door and office in town.</p>"
                "<h2>Member login</h2><form><input type=password></form>"
            ),
            "read",
        ),
        ("<h1>Status codes</h1><h2>Not found</h2><p>The tour does not exist.</p>", "read"),
    ],
)
def test_a_page_with_content_of_its_own_may_have_a_login_form(body: str, code: str) -> None:
    assert outcome(f"<title>Acme</title><main>{body}</main>") == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (f"<div id=application></div>{SCRIPT}", "needs_js"),
        (f"<acme-app></acme-app>{SCRIPT}", "needs_js"),
        (f"<div id=x><p>Wird geladen…</p></div>{SCRIPT}", "needs_js"),
        (f"<div id=x><div class=loader><p>Just a second</p></div></div>{SCRIPT}", "needs_js"),
        (f"<nav><a href=/a>About</a></nav><div data-reactroot></div><footer>© 2026 Acme</footer>{SCRIPT}", "needs_js"),
        (f"<div id=root></div><div class=cookie-banner>{'We use cookies. ' * 20}</div>{SCRIPT}", "needs_js"),
        (f"<main><h1>Contact</h1><p>Write to us.</p><div id=map></div></main>{SCRIPT}", "read"),
        (f"<div id=app><h1>Anvils</h1><p>Order by mail.</p></div>{SCRIPT}", "read"),
        (f"<p>Loading docks for bakeries, built in a week.</p>{SCRIPT}", "read"),
        ("<p>We plan tours.</p><noscript>This site works best with JavaScript.</noscript>", "read"),
        ("<div></div>", "empty"),
    ],
)
def test_only_a_page_that_its_scripts_fill_needs_a_browser(body: str, code: str) -> None:
    assert outcome(f"<title>Acme</title><body>{body}") == code


@pytest.mark.parametrize(
    ("key", "is_read"),
    [
        ("description", True),
        ("subscriptionText", True),
        ("customerTypes", True),
        ("keyPoints", True),
        ("imageCaption", True),
        ("long_description", True),
        ("manuscript", True),
        ("pathways", True),
        ("className", False),
        ("imageUrl", False),
        ("metaDescription", False),
        ("cookieNotice", False),
        ("apiKey", False),
        ("alt", False),
    ],
)
def test_the_last_word_of_a_key_decides_whether_its_value_is_read(key: str, is_read: bool) -> None:
    text = "Dispatchers see each van on one map, and what is on board."
    state = json.dumps({"hero": {key: text, "intro": "Acme lays out every van of a bakery in minutes. " * 3}})
    html = f'<div id=__next></div><script id=__NEXT_DATA__ type="application/json">{state}</script>'

    assert (text in read(html).text) is is_read


@pytest.mark.parametrize(
    ("part", "day"),
    [
        (
            (
                "<meta property=article:published_time content=2017-01-01>"
                "<meta property=article:modified_time content=2026-10-30>"
            ),
            "2026-10-30",
        ),
        (json_ld({"@type": "Article", "datePublished": "2020-01-02", "dateModified": "2030-01-01"}), "2020-01-02"),
        ("<meta property=article:published_time content=2027-01-01>", "None"),
        (json_ld({"@type": "VideoObject", "datePublished": "2020-01-01"}), "None"),
        (json_ld({"@type": "Event", "startDate": "2026-03-04"}) + "<time datetime=2026-03-04>4 March</time>", "None"),
        (
            json_ld(
                [
                    {"@type": "BlogPosting", "url": "https://acme.com/a", "datePublished": "2020-01-02"},
                    {"@type": "BlogPosting", "url": "https://acme.com/b", "datePublished": "2021-01-02"},
                ]
            ),
            "None",
        ),
        ("<h1>A</h1><p>By Ann · 12. Mai 2021</p>", "2021-05-12"),
        ("<h1>A</h1><p>Publicado el 3 de marzo de 2022</p>", "2022-03-03"),
        ("<h1>A</h1><p>2022年3月3日</p>", "2022-03-03"),
        ("<h1>A</h1><p>Published 3 March 2020. Updated 5 April 2024.</p>", "2024-04-05"),
        ("<h1>A</h1><p>Founded 12 May 2001 in Ghent.</p>", "None"),
        ("<h1>A</h1><p>3/4/2021</p>", "None"),
        ("<h1>A</h1><p>b</p><h2>News</h2><time datetime=2026-05-12>12 May</time>", "None"),
        ("<h1>A</h1><h2>b</h2><p>Last updated <time datetime=2024-09-17>last year</time></p>", "2024-09-17"),
        (
            (
                "<div>Webinar <time datetime=2026-06-03>3 June</time></div>"
                "<article><h1>A</h1><time datetime=2026-05-12>12 May</time></article>"
            ),
            "2026-05-12",
        ),
        (
            (
                "<article><h1>A</h1><p class=date>May 12, 2021</p>"
                "<div class=comments><time datetime=2025-01-01>1</time></div></article>"
            ),
            "2021-05-12",
        ),
        ("<h1>A</h1><footer>© <time datetime=2019-01-01>2019</time></footer>", "None"),
        ("<span itemprop=datePublished content=2021-05-12>then</span>", "2021-05-12"),
        (json_ld({"@type": "Article", "url": "http://[bad", "datePublished": "2020-01-02"}), "2020-01-02"),
    ],
)
def test_the_date_of_a_page_is_that_of_its_last_change(part: str, day: str) -> None:
    assert str(read(f"<html lang=en><body><main>{part}<p>Acme is here.</p></main>").ref.published_on) == day


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("/2021/05/12/cork", "2021-05-12"),
        ("/2021/05/cork", "2021-05-31"),
        ("/2027/05/12/cork", "None"),
        ("/news/cork", "None"),
    ],
)
def test_a_page_without_a_date_has_the_date_in_its_url(path: str, day: str) -> None:
    assert str(read("<main><h1>A</h1><p>b</p></main>", f"https://acme.com{path}").ref.published_on) == day


@pytest.mark.parametrize(
    ("declared", "body", "language"),
    [
        ("en", "Acme plant die Touren von Bäckereien in neun Ländern und hilft jeden Morgen den Disponenten.", "de"),
        ("en", "Acme planifica las rutas de panaderías en nueve países y ayuda cada mañana a los conductores.", "es"),
        ("en", "О компании", "ru"),
        ("en", "Η εταιρεία", "el"),
        ("zh", "우리는 전 세계 팀에", "ko"),
        ("ja", "We lay out the tours of bakeries in nine countries and help dispatchers every day.", "en"),
        ("nb", "Acme planlegger ruter for bakerier i ni land og hjelper hver morgen med å få bilene av gårde.", "nb"),
        (
            "en",
            "Kubernetes Docker Terraform Ansible Grafana Prometheus Loki Tempo Splunk Kibana Jaeger Istio Envoy",
            "en",
        ),
        ("zh", "数据库 SELECT avg(cpu) FROM monitor 我们可以使用以下语句查询数据 INSERT INTO", "zh"),
        ("de", "Wir sind Acme.", "de"),
    ],
)
def test_the_language_is_that_of_the_text_if_the_declared_one_is_clearly_wrong(
    declared: str, body: str, language: str
) -> None:
    assert read(f"<html lang={declared}><main><p>{body}</p></main>").ref.language == language


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>Acme | Plans</title>", "<p>c</p>", "Plans"),
        ("<title>Plans – Acme</title>", "<h1>Acme</h1>", "Plans"),
        ("<title>Acme: Plans</title><meta property=og:site_name content=Acme>", "<p>c</p>", "Plans"),
        ("<title>Acme | Plans for teams | Acme</title>", "<p>c</p>", "Plans for teams"),
        ("<title>Plans | Acme</title>", "<h1>Welcome</h1><h1>Plans</h1>", "Plans"),
        ("<title>Plans</title>", "<h1>All plans</h1><h1>All plans</h1>", "All plans"),
        ("<title>Acme</title>", "<h1>Acme</h1>", "Acme"),
        ("<title>Acme</title>", "<h1>Tours</h1>", "Tours"),
        ("", "<h1>Acme</h1>", "Acme"),
    ],
)
def test_the_title_is_not_the_name_of_the_site(head: str, body: str, title: str) -> None:
    assert read(f"{head}<main>{body}</main>").ref.title == title


MONTHLY = {"@type": "UnitPriceSpecification", "price": "49", "priceCurrency": "EUR", "billingDuration": "P1M"}
YEARLY = {"@type": "UnitPriceSpecification", "price": 490, "priceCurrency": "EUR", "unitCode": "ANN"}
STRUCK_OUT = {"price": 600, "priceCurrency": "EUR", "priceType": "https://schema.org/StrikethroughPrice"}


@pytest.mark.parametrize(
    ("offers", "prices"),
    [
        ({"price": 49, "priceCurrency": "USD", "priceSpecification": {"unitText": "MONTH"}}, ["49 USD per month"]),
        ({"priceSpecification": [MONTHLY, YEARLY, STRUCK_OUT]}, ["49 EUR per month", "490 EUR per year"]),
        ({"lowPrice": 9, "highPrice": 90, "priceCurrency": "USD", "offerCount": 3}, ["9 to 90 USD, 3 offers"]),
        ([{"@id": "#offer"}], ["3 USD"]),
    ],
)
def test_a_price_has_its_currency_and_billing_period(offers: object, prices: list[str]) -> None:
    product = {"@type": "Product", "name": "Tours", "offers": offers}
    offer = {"@type": "Thing", "@id": "#offer", "price": 3, "priceCurrency": "USD"}
    text = read(json_ld([product, offer]) + "<main><p>Tours</p></main>").facts_text

    assert [line for line in text.split("\n") if line.startswith("Price")] == [f"Price: Tours: {p}" for p in prices]


def test_the_company_is_the_publisher_of_the_page_combined_from_all_its_nodes() -> None:
    graph = [
        {"@type": "Corporation", "name": "Rival"},
        {"@type": "WebSite", "publisher": {"@id": "#us"}},
        {"@type": "https://schema.org/ProfessionalService", "@id": "#us", "name": "Acme", "founder": [{"@id": "#ada"}]},
        {"@type": "Person", "@id": "#ada", "name": "Ada Lund"},
    ]
    page = read(json_ld({"@graph": graph}, {"@id": "#us", "slogan": "Heavy"}) + "<main><p>Tours</p></main>")

    assert (page.structured.organization, page.structured.founders) == ("Acme", ("Ada Lund",))
    assert "Slogan: Heavy" in page.facts_text
