from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import date
from html import unescape
from itertools import cycle
from pathlib import Path
from string import ascii_lowercase
from typing import cast

import pytest
import pytest_asyncio
from browsers import chromium, in_the_browser, opened
from markdown_it import MarkdownIt
from markdown_it.token import Token
from playbooks import GENERATED_AT, TEXT_FORMATS, export, outlined_playbook, sample_playbook
from playwright.async_api import Browser, Page

from octave_mcp.domain.choices import FORMATS
from octave_mcp.domain.deal import Fit, Qualification
from octave_mcp.domain.notices import Flag
from octave_mcp.domain.playbook import Playbook, Summary
from octave_mcp.domain.sentence import Sentence
from octave_mcp.errors import UnknownName

HOSTILE = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\"><svg/onload=document.title='owned'>",
    "[x](javascript:alert(1)) ![y](https://evil.example/pixel.png)",
    "# heading\n## another\n\n---\n\n- item\n1. item\n> quote",
    "a | b\n--- | ---\nc | d",
    "```\nfence\n````\n~~~\n    indented",
    "</code></pre></style></textarea><iframe src='https://evil.example'></iframe>",
    "[1]: https://evil.example 'title'\n\n[1]",
    "<https://evil.example/auto> &lt;b&gt; &#60;script&#62;",
    "*bold* __strong__ _em_ ~~gone~~ \\* $$x$$ {{ 7 * 7 }} {% raw %}",
    "\u202eright to left \x00 nul \u2028 line \r\n return",
    "=== \n+ plus\n1) one",
    "`code` in a line",
    "<!-- an open comment",
    "<script \nalert(1)",
)

# The hostile playbooks keep the values of these fields, which are IDs, dates, digests, URLs, paths or keywords.
FIXED_FIELDS = frozenset(
    {
        "id",
        "persona_id",
        "kind",
        "form",
        "category",
        "label",
        "function",
        "topic",
        "need",
        "confidence",
        "role",
        "where",
        "relation",
        "company",
        "code",
        "audience",
        "given_by",
        "page_kind",
        "shown_as",
        "favours",
        "companies",
        "evidence",
        "page_sha256",
        "sha256",
        "seat",
        "how_known",
        "they_say",
        "email",
        "generated_at",
        "fetched_at",
        "published_on",
        "dated_on",
        "url",
    }
)

# How many times an empty playbook says "This section is empty.". In each sum, the numbers count the sections about the
# deal, the kinds of vendor elements, and the sections about the prospect.
EMPTY_SECTIONS = {"html": 9 + 8 + 3, "markdown": 9 + 8 + 2}

WIDTHS = (320, 390, 768, 1024, 1440)


@pytest.fixture
def playbook() -> Playbook:
    return sample_playbook()


@pytest.fixture
def hostile() -> Playbook:
    """The sample playbook with hostile texts, each of which tries to break out of the markup."""
    return _replaced(cycle(HOSTILE))


@pytest.fixture
def harmless() -> Playbook:
    """The playbook `hostile`, but with a harmless text in place of each hostile text."""
    return _replaced(cycle(f"text {letter}" for letter in ascii_lowercase[: len(HOSTILE)]))


def _replaced(texts: Iterator[str]) -> Playbook:
    plain = sample_playbook().model_dump(mode="json")
    evidence = {id_: _replace(item, texts) for id_, item in plain.pop("evidence").items()}
    fields = {key: _replace_field(key, item, texts) for key, item in plain.items()}
    return Playbook.model_validate(fields | {"evidence": evidence})


def _replace(value: object, texts: Iterator[str]) -> object:
    match value:
        case str():
            return next(texts)
        case dict():
            fields = cast("dict[str, object]", value)
            return {key: _replace_field(key, item, texts) for key, item in fields.items()}
        case list():
            return [_replace(item, texts) for item in cast("list[object]", value)]
        case _:
            return value


def _replace_field(key: str, value: object, texts: Iterator[str]) -> object:
    is_relation = key in {"vendor", "prospect"} and isinstance(value, str)
    return value if key in FIXED_FIELDS or is_relation else _replace(value, texts)


def _empty(playbook: Playbook) -> Playbook:
    nothing = dict.fromkeys(type(playbook.vendor_elements).model_fields, ())
    profile = playbook.prospect_intelligence.company_profile.model_copy(update={"summary": None, "facts": ()})
    return playbook.model_copy(
        update={
            "executive_summary": Summary(whom_to_approach=(), why_now=(), how_to_engage=()),
            "vendor_elements": playbook.vendor_elements.model_copy(update=nothing),
            "prospect_intelligence": playbook.prospect_intelligence.model_copy(
                update={"company_profile": profile, "pain_points": (), "buyer_personas": ()}
            ),
            "context": None,
            "cost": playbook.cost.model_copy(update={"usd": None}),
        }
        | dict.fromkeys(("priority_personas", "quick_wins", "success_metrics", "email_sequences", "talk_tracks"), ())
        | dict.fromkeys(("battle_cards", "pages", "failed_pages", "flags"), ())
        | dict.fromkeys(("triggers", "people", "integrations", "buying_committee", "trial_plan"), ())
        | {"brief": None, "fit": Fit(), "qualification": Qualification()}
    )


def _tokens(markdown: str) -> list[Token]:
    blocks = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    return [token for block in blocks for token in (block, *(block.children or ()))]


def _structure(markdown: str) -> list[tuple[str, str]]:
    words = {"text", "text_special", "softbreak"}
    return [(token.type, token.tag) for token in _tokens(markdown) if token.type not in words]


def _words(markdown: str) -> str:
    return "".join(token.content for token in _tokens(markdown) if token.type.startswith("text"))


def _joined(inline: Token) -> str:
    return "".join(token.content for token in inline.children or ())


def _cited(playbook: Playbook) -> set[str]:
    plain = playbook.model_dump(exclude={"evidence"})
    return set(_ids(plain))


def _ids(value: object) -> Iterator[str]:
    match value:
        case dict():
            fields = cast("dict[str, object]", value)
            yield from cast("tuple[str, ...]", fields.get("evidence", ()))
            yield from (id_ for item in fields.values() for id_ in _ids(item))
        case tuple() | list():
            yield from (id_ for item in cast("tuple[object, ...]", value) for id_ in _ids(item))
        case _:
            pass


def test_each_format_has_one_export() -> None:
    formats = {form.name: (form.suffix, form.media_type) for form in FORMATS}

    assert all(export(name) for name in formats)
    assert formats == {
        "html": ("html", "text/html"),
        "json": ("json", "application/json"),
        "markdown": ("md", "text/markdown"),
    }


def test_an_unknown_format_is_refused_with_the_list_of_formats() -> None:
    with pytest.raises(UnknownName, match=r"no format 'docx'; choose one of json, markdown, html"):
        export("docx")


def test_a_private_module_is_not_a_format() -> None:
    with pytest.raises(UnknownName):
        export("_reading")


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_rendering_the_same_playbook_twice_gives_the_same_bytes(name: str) -> None:
    assert export(name).render(sample_playbook()) == export(name).render(sample_playbook())


def test_a_playbook_survives_a_round_trip_through_json(playbook: Playbook, hostile: Playbook) -> None:
    for original in (playbook, hostile, _empty(playbook)):
        assert Playbook.model_validate_json(export("json").render(original)) == original


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_an_empty_section_says_why_and_what_would_fill_it(name: str, playbook: Playbook) -> None:
    text = export(name).render(_empty(playbook))

    assert text.count("This section is empty.") == EMPTY_SECTIONS[name]
    assert text.count("The blog did not answer within 20 seconds") == 2
    assert text.count("Run again with refresh.") == 2


def test_markdown_explains_flags_at_the_top(playbook: Playbook) -> None:
    front, _ = export("markdown").render(playbook).split("## Triggers")
    brief, _ = front.split("## About this playbook")

    assert front.startswith("# Lumenboard → Kestrel Freight playbook\n")
    assert "**Collected without a language model.** Before you use a line, check its quotation." in front
    assert "**3 gaps**" in front
    assert "**Whom to call:** Marit Janssen, Chief Product Officer" in brief
    assert [flag.reason for flag in playbook.flags if flag.reason not in front] == []


@pytest.mark.parametrize("name", ["markdown", "html"])
@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("written by Claude and replayed", "the current pages. {}Written by Claude and replayed."),
        ("lumenboard.example gives 2 pages", "the current pages. {}lumenboard.example gives 2 pages."),
    ],
)
def test_the_reason_of_a_flag_is_a_sentence_of_its_own(name: str, reason: str, shown: str, playbook: Playbook) -> None:
    flagged = playbook.model_copy(update={"flags": (Flag(code="recorded", reason=reason),)})

    assert shown.format('<span dir="auto">' if name == "html" else "") in export(name).render(flagged)


def test_markdown_lists_each_cited_page_once(playbook: Playbook) -> None:
    text, sources = export("markdown").render(playbook).split("## Sources")
    cited = set(re.findall(r"\[(\d+)\]", text))
    entries = re.findall(r"(?m)^- ((?:\[\d+\])+) (.*)$", sources)

    assert {number for numbers, _ in entries for number in re.findall(r"\d+", numbers)} == cited
    urls = re.findall(r"<(https?://[^>]+)>", sources)
    assert len(urls) == len(set(urls)) == len(entries)
    for id_ in ("p_goal", "v_bl_result", "p_name"):
        assert f"<{playbook.evidence[id_].url}>" in sources
        assert playbook.evidence[id_].page_title in _words(sources)


def test_markdown_numbers_sources_in_the_order_of_their_first_mention(playbook: Playbook) -> None:
    text, _ = export("markdown").render(playbook).split("## Sources")
    mentioned = list(dict.fromkeys(re.findall(r"\[(\d+)\]", text)))

    assert mentioned == [str(number) for number in range(1, len(mentioned) + 1)]


def test_markdown_dates_its_sources_and_marks_those_older_than_18_months(playbook: Playbook) -> None:
    _, sources = export("markdown").render(playbook).split("## Sources")
    entries = sources.split("\n- ")

    (old,) = (entry for entry in entries if "older than 18 months" in entry)
    assert "Öresund" in old
    assert "15 January 2024" in old
    assert any(entry.endswith("undated, in German") for entry in entries)


@pytest.mark.parametrize(
    ("published_on", "old"),
    [(date(2025, 5, 20), False), (date(2025, 5, 19), True), (date(2025, 6, 30), False), (None, False)],
)
def test_a_source_is_old_the_day_after_18_months(published_on: date | None, old: bool, playbook: Playbook) -> None:
    assert GENERATED_AT.date() == date(2026, 11, 20)
    evidence = {id_: item.model_copy(update={"published_on": published_on}) for id_, item in playbook.evidence.items()}

    text = export("markdown").render(playbook.model_copy(update={"evidence": evidence}))

    assert ("older than 18 months" in text) is old


def test_markdown_distinguishes_facts_inferences_and_open_questions(playbook: Playbook) -> None:
    text = export("markdown").render(playbook)

    assert re.search(r"(?m)^- [A-Z][^*\n]*\.(?:\[\d+\])+$", text)
    assert re.search(r"\*Inference:\* [^\n]*\.(?:\[\d+\])+", text)
    assert "*Open question:* " in text


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_an_outline_is_labelled_and_shows_all_its_lines_but_no_score(name: str) -> None:
    outlined = outlined_playbook()
    text = export(name).render(outlined)

    assert text.index("Outline: you or a model must write the final text") < text.index("lumenboard.example")
    assert "E-mail outlines" in text
    assert "96/100" not in text
    assert "```" not in text
    assert "30-second pitch" not in text
    assert "Opener" not in text
    lines = {sentence.text for s in outlined.email_sequences for touch in s.touches for sentence in touch.sentences}
    for track in outlined.talk_tracks:
        spoken = (*track.pitch, *track.cold_call.opener, *track.cold_call.value)
        lines |= {*(sentence.text for sentence in spoken), track.cold_call.ask}
    words = _words(text) if name == "markdown" else unescape(text)
    assert [line for line in lines if line not in words] == []


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_one_outline_among_finished_e_mails_is_labelled(name: str, playbook: Playbook) -> None:
    first, *_ = outlined_playbook().email_sequences
    mixed = playbook.model_copy(update={"email_sequences": (first, *playbook.email_sequences[1:])})
    text = export(name).render(mixed)

    assert text.index("Some parts are outlines (e-mails): ") < text.index("lumenboard.example")
    assert "E-mails" in text
    assert mixed.email_sequences[1].touches[0].body in unescape(text)


def test_a_summary_and_battle_cards_made_by_rules_are_labelled_as_outlines(playbook: Playbook) -> None:
    outlined = outlined_playbook()
    by_rules = {"executive_summary": outlined.executive_summary, "battle_cards": outlined.battle_cards}
    mixed = playbook.model_copy(update=by_rules)
    markdown, html = (export(name).render(mixed) for name in ("markdown", "html"))

    assert "Some parts are outlines (summary, battle cards): " in markdown
    assert "Some parts are outlines (summary, battle cards): " in html
    assert markdown.count(", outline\n") == html.count(">outline</span>") - 1 == len(mixed.battle_cards)


def test_a_playbook_without_outlines_does_not_mention_them(playbook: Playbook) -> None:
    assert not [name for name in ("markdown", "html") if "to be worded" in export(name).render(playbook)]


def test_markdown_shows_e_mails_verbatim(playbook: Playbook) -> None:
    fences = [token.content for token in _tokens(export("markdown").render(playbook)) if token.type == "fence"]

    bodies = [touch.body + "\n" for sequence in playbook.email_sequences for touch in sequence.touches]
    prerequisites = {f"{touch.make_first}\n" for sequence in playbook.email_sequences for touch in sequence.touches}
    assert [fence for fence in fences if fence not in prerequisites] == bodies
    assert bodies[0].startswith("Hi Marit,")
    assert bodies[4].startswith("Hi {{first_name}},")


def test_page_text_cannot_change_the_structure_of_the_markdown(hostile: Playbook, harmless: Playbook) -> None:
    assert _structure(export("markdown").render(hostile)) == _structure(export("markdown").render(harmless))


def test_a_pipe_in_page_text_does_not_end_a_table_cell(playbook: Playbook) -> None:
    row, *rows = playbook.fit.value_map
    row = row.model_copy(
        update={
            "pain": row.pain.model_copy(update={"text": "a | b"}),
            "capability": row.capability.model_copy(update={"text": r"c \| d"}),
        }
    )
    fit = playbook.fit.model_copy(update={"value_map": (row, *rows)})

    text = export("markdown").render(playbook.model_copy(update={"fit": fit}))

    tokens = _tokens(text)
    cells = [_joined(tokens[at + 1]) for at, token in enumerate(tokens) if token.type == "td_open"]
    assert [re.sub(r"\[\d+\]", "", cell) for cell in cells[:2]] == ["a | b", r"c \| d"]


def test_page_text_cannot_add_links_images_or_html_to_the_markdown(hostile: Playbook) -> None:
    tokens = _tokens(export("markdown").render(hostile))

    assert not [token for token in tokens if token.type in {"image", "html_inline", "html_block"}]
    links = {str(token.attrs["href"]) for token in tokens if token.type == "link_open"}
    assert links <= {source.url for source in hostile.evidence.values()}


def test_hostile_page_text_is_still_readable_in_the_markdown(hostile: Playbook) -> None:
    words = _words(export("markdown").render(hostile))

    visible = [re.sub("[\u202e\x00]", "", text) for text in HOSTILE]
    assert [text for text in visible if " ".join(text.split()) not in words] == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,<b>x</b>", " https://x.example"])
def test_an_invalid_or_non_http_address_is_not_linked(url: str, playbook: Playbook) -> None:
    evidence = {id_: item.model_copy(update={"url": url}) for id_, item in playbook.evidence.items()}
    changed = playbook.model_copy(update={"evidence": evidence})

    assert "link_open" not in {token.type for token in _tokens(export("markdown").render(changed))}
    assert set(re.findall(r'<a [^>]*href="([^"]*)"', export("html").render(changed))) == _own_anchors(playbook)


def _own_anchors(playbook: Playbook) -> set[str]:
    return set(re.findall(r'href="((?:#|mailto:)[^"]*)"', export("html").render(playbook)))


def test_a_sentence_missing_from_the_body_is_shown_below_the_e_mail(playbook: Playbook) -> None:
    sequence, *others = playbook.email_sequences
    touch, *later = sequence.touches
    stray = Sentence[str](text="Not in the body.", kind="fact", evidence=("p_goal",))
    touch = touch.model_copy(update={"sentences": (stray, *touch.sentences)})
    changed = playbook.model_copy(
        update={"email_sequences": (sequence.model_copy(update={"touches": (touch, *later)}), *others)}
    )

    text = export("html").render(changed)

    assert text.count("Also based on") == 1
    assert "Not in the body." in text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def browser(shared_browser: Browser) -> AsyncIterator[Browser]:
    """Yield the shared browser, and close the contexts that the test has opened."""
    others = set(shared_browser.contexts)
    yield shared_browser
    for context in set(shared_browser.contexts) - others:
        await context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(shared_browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The HTML export of the sample playbook, opened in the shared browser. Tests must not change the page."""
    return (await opened(shared_browser, tmp_path_factory.mktemp("shown"), sample_playbook())).page


@in_the_browser
async def test_html_makes_no_network_requests_and_logs_no_errors(
    browser: Browser, tmp_path: Path, playbook: Playbook
) -> None:
    html = await opened(browser, tmp_path, playbook)
    for ref in await html.page.locator("#summary .ref").all():
        await ref.click()
    await html.page.get_by_role("button", name="Copy e-mail").first.click()

    assert [url for url in html.requests if not url.startswith(("file:", "data:"))] == []
    assert html.complaints == []


@in_the_browser
async def test_the_content_security_policy_allows_only_the_inline_style_and_script(
    browser: Browser, tmp_path: Path, playbook: Playbook
) -> None:
    html = await opened(browser, tmp_path, playbook)

    styled = await html.page.evaluate("getComputedStyle(document.querySelector('.mail')).borderRadius")
    blocked = await html.page.evaluate(
        """new Promise(done => {
            document.addEventListener("securitypolicyviolation", event => done(event.effectiveDirective));
            const image = document.createElement("img");
            image.src = "https://evil.example/pixel.png";
            document.body.append(image);
        })"""
    )

    assert styled != "0px"
    assert await html.page.locator("[data-copy]:visible").count() == 1 + 12 + 3 + 3
    assert blocked == "img-src"
    policy = await html.page.locator("meta[http-equiv]").get_attribute("content")
    assert policy is not None
    assert "unsafe" not in policy


@in_the_browser
@pytest.mark.parametrize("scripts", [True, False])
async def test_a_claim_shows_its_quotation_on_click_and_by_keyboard(
    scripts: bool, browser: Browser, tmp_path: Path, playbook: Playbook
) -> None:
    page = (await opened(browser, tmp_path, playbook, scripts=scripts)).page
    evidence = page.locator(".evidence:popover-open")
    ref = page.locator("#summary .claim").filter(has_text="Today roughly half").locator(".ref")

    await ref.click()
    assert await evidence.locator("blockquote").inner_text() == playbook.evidence["p_today"].quote
    assert await evidence.locator("a").get_attribute("href") == playbook.evidence["p_today"].url
    assert await evidence.locator("a").is_visible()

    await page.keyboard.press("Escape")
    assert await evidence.count() == 0

    await ref.focus()
    await page.keyboard.press("Enter")
    assert await evidence.locator("blockquote").is_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.href") == playbook.evidence["p_today"].url


@in_the_browser
async def test_clicking_the_text_of_a_claim_shows_its_quotation(shown: Page, playbook: Playbook) -> None:
    await shown.locator("#brief .mail .words").get_by_text("Today, roughly half still end up").click()

    evidence = shown.locator(".evidence:popover-open")
    assert await evidence.locator("blockquote").inner_text() == playbook.evidence["p_today"].quote
    assert await shown.locator(".claim.shown").count() > 1
    await shown.keyboard.press("Escape")


@in_the_browser
async def test_copying_gives_the_e_mail_verbatim(browser: Browser, tmp_path: Path, playbook: Playbook) -> None:
    page = (await opened(browser, tmp_path, playbook)).page
    await page.evaluate(
        """() => {
            window.setTimeout = () => 0;  // after which "Copied" goes away
            navigator.clipboard.writeText = () => Promise.reject(new Error("not allowed"));
            document.addEventListener("copy", () => { window.taken = document.activeElement.value; });
        }"""
    )

    await page.get_by_role("button", name="Copy e-mail").first.click()
    await page.get_by_role("button", name="Copied").wait_for()

    touch = playbook.email_sequences[0].touches[0]
    assert await page.evaluate("window.taken") == f"Subject: {touch.subject}\n\n{touch.body}"


@in_the_browser
async def test_an_e_mail_is_displayed_as_it_will_be_sent(browser: Browser, tmp_path: Path, playbook: Playbook) -> None:
    page = (await opened(browser, tmp_path, playbook)).page
    touch = playbook.email_sequences[0].touches[0]

    await page.evaluate("document.querySelectorAll('.mail .ref').forEach(ref => ref.remove())")

    assert await page.locator(".mail .body").first.text_content() == touch.body
    assert await page.locator(".mail .subject").first.text_content() == touch.subject


@in_the_browser
async def test_outlines_are_labelled_on_the_first_screen_and_in_copied_text(browser: Browser, tmp_path: Path) -> None:
    page = (await opened(browser, tmp_path, outlined_playbook())).page
    await page.set_viewport_size({"width": 1280, "height": 800})

    box = await page.get_by_text("Outline: you or a model must write the final text").first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 200
    assert await page.get_by_role("button", name="Copy e-mail").count() == 0
    copied = await page.get_by_role("button", name="Copy outline").first.get_attribute("data-copy")
    assert copied is not None
    assert copied.startswith("Outline: you or a model must write the final text\n\n")


@in_the_browser
async def test_print_names_every_section_that_it_shortens(browser: Browser, tmp_path: Path, playbook: Playbook) -> None:
    page = (await opened(browser, tmp_path, playbook, scripts=False)).page
    await page.emulate_media(media="print")

    sources = page.locator("#sources .quotation")
    assert await sources.count() == len(_cited(playbook))
    assert all([await source.locator(".page").is_visible() for source in await sources.all()])
    assert not any([await source.is_visible() for source in await sources.locator("blockquote").all()])
    hidden = await page.locator("main section").evaluate_all(
        """sections => [...new Set(sections.flatMap(section => [...section.querySelectorAll("li, dd, tr, p")]
            .filter(item => !item.checkVisibility({contentVisibilityAuto: true}) && !item.querySelector(".switch"))
            .map(() => section.id)))]"""
    )
    noted = await page.locator(".in-print:visible").evaluate_all("notes => notes.map(n => n.closest('section').id)")
    assert set(hidden) - {"emails", "brief", ""} <= set(noted) == {"vendor", "prospect", "made", "sources"}
    assert not await page.locator(".toc").is_visible()


@in_the_browser
async def test_quotations_carry_their_language_and_direction(shown: Page) -> None:
    german = shown.locator("#sources blockquote[lang=de]")

    assert await german.count() == 2
    assert {await quotation.get_attribute("dir") for quotation in await german.all()} == {"auto"}


@in_the_browser
async def test_page_text_is_inert_in_html(
    browser: Browser, tmp_path: Path, hostile: Playbook, harmless: Playbook
) -> None:
    shape = """names = element => element.getAttributeNames().filter(name => name !== "aria-current");
    [...document.querySelectorAll("*")].map(
        element => [element.tagName, ...names(element), element.getAttribute("href")?.replace(/^(mailto:).*/, "$1")]
    )"""
    expected = await (await opened(browser, tmp_path, harmless)).page.evaluate(shape)

    html = await opened(browser, tmp_path, hostile)

    assert await html.page.evaluate(shape) == expected
    assert await html.page.title() != "owned"
    assert html.complaints == []
    assert [url for url in html.requests if not url.startswith(("file:", "data:"))] == []
    assert await html.page.locator("#sources blockquote").first.text_content() in HOSTILE


@in_the_browser
async def test_markup_in_an_address_is_escaped(browser: Browser, tmp_path: Path, playbook: Playbook) -> None:
    url = "https://x.example/\"onmouseover='x'><b>`|&copy=1 end"
    evidence = {id_: item.model_copy(update={"url": url}) for id_, item in playbook.evidence.items()}
    changed = playbook.model_copy(update={"evidence": evidence})

    links = (await opened(browser, tmp_path, changed)).page.locator("#sources a")

    assert {await link.get_attribute("href") for link in await links.all()} == {url}
    assert {await link.get_attribute("rel") for link in await links.all()} == {"noopener noreferrer nofollow"}
    markdown = export("markdown").render(changed)
    assert "<https://x.example/\"onmouseover='x'%3E%3Cb%3E%60%7C&copy=1%20end>" in markdown


@in_the_browser
async def test_no_screen_width_needs_horizontal_scrolling(shown: Page) -> None:
    needed: dict[int, int] = {}
    for width in WIDTHS:
        await shown.set_viewport_size({"width": width, "height": 800})
        needed[width] = await shown.evaluate("document.documentElement.scrollWidth")
    assert needed == {width: width for width in WIDTHS}
