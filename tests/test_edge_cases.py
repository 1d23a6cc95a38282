"""Tests of unusual companies, pages and requests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import matrix
import pytest
from scripted import (
    FETCHED_AT,
    PROSPECT,
    PROSPECT_TEXTS,
    VENDOR,
    VENDOR_TEXTS,
    Asked,
    ScriptedModel,
    ScriptedSource,
    Stage,
    Written,
    asked_for,
    form,
    invented_sites,
    page,
    pages,
    written,
)
from test_pipeline import DEMO_PROSPECT, DEMO_VENDOR, demo_pages

from octave_mcp.domain.asks import WritingBrief
from octave_mcp.domain.cards import WhyWeWinCard
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.names import normal
from octave_mcp.domain.notices import Flag, FlagCode
from octave_mcp.domain.page import Page
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.prospect import Buyer, Understanding
from octave_mcp.domain.value import Value
from octave_mcp.errors import HostNotAllowed, InputError, InvalidDomain, SameCompany, UnknownName
from octave_mcp.errors import UnsupportedLanguage as Unsupported
from octave_mcp.pipeline.flags import LOW_PAGES, LOW_WORDS

Sites = dict[str, tuple[Page, ...]]


def flag(playbook: Playbook, code: FlagCode) -> Flag | None:
    return next((flag for flag in playbook.flags if flag.code == code), None)


def sites(vendor: dict[str, str] | None = None, prospect: dict[str, str] | None = None) -> Sites:
    return {
        VENDOR: pages(VENDOR, vendor or VENDOR_TEXTS, name="Lumenforge"),
        PROSPECT: pages(PROSPECT, prospect or PROSPECT_TEXTS, name="Quillport"),
    }


@pytest.mark.parametrize("model", ["scripted", "extractive"])
@pytest.mark.parametrize(
    ("vendor", "prospect"),
    [
        ("lumenforge.example", "lumenforge.example"),
        ("lumenforge.example", "www.lumenforge.example"),
        ("lumenforge.example", "https://LUMENFORGE.example/pricing?x=1"),
        ("docs.lumenforge.example", "lumenforge.example"),
    ],
)
async def test_a_company_cannot_sell_to_itself(tmp_path: Path, vendor: str, prospect: str, model: str) -> None:
    with pytest.raises(SameCompany, match=r"are the same company, lumenforge\.example"):
        await (await Stage(tmp_path).opened()).start(asked_for(vendor=vendor, prospect=prospect, model=model))


async def test_the_two_spellings_of_an_international_domain_are_one_company(tmp_path: Path) -> None:
    request = asked_for(vendor="bücher.example", prospect="xn--bcher-kva.example")
    with pytest.raises(SameCompany):
        await (await Stage(tmp_path).opened()).start(request)


async def test_two_companies_on_one_hosting_platform_are_different_companies(tmp_path: Path) -> None:
    vendor, prospect = "lumenforge.github.io", "quillport.github.io"
    texts = {vendor: VENDOR_TEXTS, prospect: PROSPECT_TEXTS}
    source = ScriptedSource({domain: pages(domain, own, name=domain) for domain, own in texts.items()})
    playbook = await Stage(tmp_path, source=source).playbook(vendor=vendor, prospect=prospect, max_pages=3)
    assert (playbook.vendor.domain, playbook.prospect.domain) == (vendor, prospect)


@pytest.mark.parametrize(
    ("vendor", "error"),
    [
        ("", InvalidDomain),
        ("not a domain", InvalidDomain),
        ("com", HostNotAllowed),
        ("ftp://lumenforge.example", InvalidDomain),
        ("http://localhost:8000", HostNotAllowed),
        ("http://169.254.169.254", HostNotAllowed),
        ("lumenforge.example:22", HostNotAllowed),
    ],
)
async def test_a_company_needs_a_public_website(tmp_path: Path, vendor: str, error: type[InputError]) -> None:
    stage = Stage(tmp_path)
    with pytest.raises(error):
        await (await stage.opened()).start(asked_for(vendor=vendor))
    assert stage.events == []


async def test_a_language_that_the_model_does_not_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="the extractive model writes en, not 'de'"):
        await (await Stage(tmp_path).opened()).start(asked_for(model="extractive", language="de"))


async def test_a_model_is_used_only_for_the_languages_that_it_writes(tmp_path: Path) -> None:
    runs = await Stage(tmp_path, model=ScriptedModel(frozenset({"de", "fr"}))).opened()
    with pytest.raises(Unsupported, match="writes de, fr, not 'en'"):
        await runs.start(asked_for())
    started = await runs.start(asked_for(language="de"))
    await runs.cancel(started.run_id)


@pytest.mark.parametrize("field", ["model", "source"])
async def test_an_unknown_adapter_is_refused_with_the_known_names(tmp_path: Path, field: str) -> None:
    with pytest.raises(UnknownName, match=r"there is no (model|source) 'nonesuch'; choose one of"):
        await (await Stage(tmp_path).opened()).start(asked_for(**{field: "nonesuch"}))


def of_words(count: int, *paths: str) -> dict[str, str]:
    """Return pages with `count` different words in total, distributed evenly over the paths.

    The site's name on the home page counts as one of these words.
    """
    head = 1
    share, rest = divmod(count - head, len(paths))
    counts = [share + (at < rest) for at in range(len(paths))]
    return {path: text_of(number, at) for at, (path, number) in enumerate(zip(paths, counts, strict=True))}


def text_of(count: int, at: int) -> str:
    words = [f"w{at}x{number}" for number in range(count)]
    return "\n\n".join(" ".join(words[start : start + 12]) + "." for start in range(0, count, 12))


THREE = ("/", "/about", "/news/a")


AT_THE_BOUNDARY = [
    (of_words(LOW_WORDS, *THREE), False),
    (of_words(LOW_WORDS - 1, *THREE), True),
    (of_words(LOW_WORDS + 100, *THREE[: LOW_PAGES - 1]), True),
]
BEYOND_IT = [
    (of_words(LOW_WORDS - 1, *THREE[: LOW_PAGES - 1]), True),
    (of_words(LOW_WORDS, *THREE, "/about/team"), False),
]


@pytest.mark.parametrize(
    ("texts", "low"), matrix.sampled([*AT_THE_BOUNDARY, *BEYOND_IT], short=lambda case: case in AT_THE_BOUNDARY)
)
async def test_confidence_is_low_exactly_below_three_pages_or_three_hundred_words(
    tmp_path: Path, texts: dict[str, str], low: bool
) -> None:
    plenty = VENDOR_TEXTS | of_words(400, "/product/a", "/product/b")
    stage = Stage(tmp_path, source=ScriptedSource(sites(plenty, texts)))
    found = await low_confidence_of(stage)
    assert found == (low, ("prospect",) if low else ())


async def low_confidence_of(stage: Stage) -> tuple[bool, tuple[str, ...]]:
    """Return whether the playbook has the flag `low_confidence`, and the companies that the flag names.

    The test makes the model return a persona, because the pages contain only invented words and no job titles.
    """
    assert isinstance(stage.scripted, ScriptedModel)
    stage.scripted.on(form(Understanding[Cite]), with_a_persona)
    low = flag(await stage.playbook(), "low_confidence")
    return low is not None, low.companies if low else ()


async def with_a_persona(_: Asked) -> Value:
    first = Cite(passage=1, sentences=(1,))
    buyer = Buyer[Cite](
        title="the owner", contact=None, function="leadership", why_they_care="light", inferred=True, evidence=(first,)
    )
    return Understanding[Cite](summary=None, pains=(), buyers=(buyer,))


def test_low_confidence_names_each_company_with_its_counts(plain: Written) -> None:
    found = flag(plain.playbook, "low_confidence")
    assert found
    assert found.companies == ("vendor", "prospect")
    assert found.reason.startswith("lumenforge.example gives 9 pages and ")


async def test_a_prospect_with_one_small_page_gives_a_flagged_playbook_or_a_failed_run(tmp_path: Path) -> None:
    source = ScriptedSource(sites(prospect={"/": "# Quillport\n\nWe build ferries."}))
    record, playbook = await Stage(tmp_path, source=source).run(model="extractive")
    if playbook is None:
        assert record.error
        assert (record.status, record.error.code) == ("failed", "upstream_unavailable")
    else:
        assert flag(playbook, "low_confidence")


async def test_a_company_with_an_empty_home_page_is_named_by_its_domain(tmp_path: Path) -> None:
    empty = page(f"https://{PROSPECT}/", "# \n\n---", kind="home")
    others = invented_sites()[PROSPECT][1:]
    source = ScriptedSource({VENDOR: invented_sites()[VENDOR], PROSPECT: (empty, *others)})
    playbook = await Stage(tmp_path, source=source).playbook()
    assert playbook.prospect.name == PROSPECT
    assert playbook.prospect.evidence == ()


async def test_a_splash_page_is_replaced_by_the_page_behind_it(tmp_path: Path) -> None:
    texts = {"/": "# Welcome", "/en": PROSPECT_TEXTS["/"] * 3, **{p: t for p, t in PROSPECT_TEXTS.items() if p != "/"}}
    playbook = await Stage(tmp_path, source=ScriptedSource(sites(prospect=texts))).playbook()
    assert f"https://{PROSPECT}/en" in {page.url for page in playbook.pages}
    assert f"https://{PROSPECT}/" not in {page.url for page in playbook.pages}


async def test_of_a_huge_site_only_as_many_pages_are_read_as_requested(tmp_path: Path) -> None:
    huge = VENDOR_TEXTS | {f"/product/{number}": f"# Product {number}\n\nIt lights yards." for number in range(2_000)}
    playbook = await Stage(tmp_path, source=ScriptedSource(sites(huge))).playbook(max_pages=6)
    assert sum(read.role == "vendor" for read in playbook.pages) == 6


async def test_two_equal_requests_at_once_give_two_runs_with_the_same_findings(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.opened()
    (first, one), (second, other) = await asyncio.gather(stage.run(max_pages=3), stage.run(max_pages=3))
    assert first.run_id != second.run_id
    assert (first.status, second.status) == ("completed", "completed")
    assert one
    assert other
    assert one.evidence == other.evidence


async def test_two_requests_at_once_with_the_same_request_id_give_one_run(tmp_path: Path) -> None:
    runs = await Stage(tmp_path).opened()
    first, second = await asyncio.gather(*(runs.start(asked_for(request_id="deal-7")) for _ in range(2)))
    assert first.run_id == second.run_id
    await runs.cancel(first.run_id)


CONTEXT = "They hate night shifts, saved 77% with Hooli, and want the audit."


@pytest.fixture(scope="module")
def _run_with_context() -> list[Written]:
    return []


@pytest.fixture
async def run_with_context(_run_with_context: list[Written], tmp_path: Path) -> Written:
    """A run in Swedish about a few pages, with context from the user.

    The run is executed once for all tests.
    """
    if not _run_with_context:
        request = {"context": CONTEXT, "language": "sv", "max_pages": 5}
        _run_with_context.append(await written(Stage(tmp_path), **request))
    return _run_with_context[0]


def test_the_context_is_marked_as_the_users_and_is_never_evidence(run_with_context: Written) -> None:
    playbook = run_with_context.playbook
    assert playbook.context
    assert (playbook.context.given_by, playbook.context.text) == ("user", CONTEXT)
    assert not any("Hooli" in e.quote or "77" in e.quote for e in playbook.evidence.values())
    assert "Hooli" in next(gap.reason for gap in playbook.gaps if gap.section == "context")
    assert "Hooli" not in playbook.model_copy(update={"context": None, "gaps": ()}).model_dump_json()


def test_without_context_asks_and_playbook_contain_none(plain: Written) -> None:
    assert plain.playbook.context is None
    assert {ask.brief.context for ask in plain.asked} == {""}


def test_the_context_steers_which_pages_are_read(run_with_context: Written) -> None:
    """Without the context, the run would first read the page about the planner."""
    products = [url.partition(VENDOR)[2] for url in run_with_context.scraped if f"{VENDOR}/product" in url]
    assert products == ["/product/audit"]


def test_every_ask_contains_the_context(run_with_context: Written) -> None:
    briefs = [ask.brief for ask in run_with_context.asked if not ask.complaint]
    assert sum(isinstance(brief, WritingBrief) for brief in briefs) == 10
    assert {brief.context for brief in briefs} == {CONTEXT}


def test_asks_and_playbook_are_in_the_requested_language(run_with_context: Written) -> None:
    assert run_with_context.playbook.language == "sv"
    assert {ask.language for ask in run_with_context.asked} == {"sv"}


ITS_NAMES = ("Quillport", "QUILLPORT", "Quillport Inc.", "quillport")
CITED_NAMES = ITS_NAMES[:3]  # a flag cites at most three quotations
OTHERS = ("Quill", "Quillports", "Port of Quill", "Not Quillport")
STORY_OF_QUILLPORT = {
    "/customers/quillport": "# Quillport saved 55 nights with Lumenforge\n\nQuillport lit 2 yards and saved 55 nights.",
}


async def with_customers(home: Path, *names: str, stories: dict[str, str] | None = None) -> Written:
    """Return a run about a vendor whose customer logos include these names."""
    logos = "".join(f"\n- {name}" for name in names)
    texts = VENDOR_TEXTS | (stories or {}) | {"/customers": f"{VENDOR_TEXTS['/customers']}{logos}"}
    return await written(Stage(home, source=ScriptedSource(sites(texts))))


async def test_an_existing_customer_is_flagged_with_evidence_for_every_spelling_of_its_name(tmp_path: Path) -> None:
    run = await with_customers(tmp_path, *CITED_NAMES, stories=STORY_OF_QUILLPORT)
    found = flag(run.playbook, "existing_customer")
    assert found
    assert found.companies == ("prospect",)
    evidence = [run.playbook.evidence[i] for i in found.evidence]
    assert sorted(e.quote for e in evidence) == sorted(CITED_NAMES)
    assert {e.url for e in evidence} == {f"https://{VENDOR}/customers"}
    assert all(a.brief.existing_customer == found.evidence for a in run.asked if isinstance(a.brief, WritingBrief))


async def test_customers_with_similar_names_are_other_companies(tmp_path: Path) -> None:
    assert flag((await with_customers(tmp_path, *OTHERS)).playbook, "existing_customer") is None


@pytest.mark.parametrize("name", matrix.sampled(ITS_NAMES, short=lambda _: False))
async def test_each_spelling_of_the_name_alone_flags_an_existing_customer(tmp_path: Path, name: str) -> None:
    assert flag((await with_customers(tmp_path, name)).playbook, "existing_customer")


@pytest.mark.long
async def test_the_story_of_an_existing_customer_is_read_but_is_no_proof_for_that_customer(tmp_path: Path) -> None:
    """A case study about the prospect proves nothing to the prospect, which knows its own story.

    Only the first e-mail is allowed to mention the case study, and later e-mails and battle cards must not use it.
    """
    vendor = demo_pages("vendor", DEMO_VENDOR)
    own = page(
        f"{DEMO_VENDOR}/customers/quoldane",
        "# How Quoldane cut overtime by 63% with Wrenhaul\n\nQuoldane cut overtime by 63% in five weeks with Wrenhaul.",
        kind="case_study",
    )
    logo = page(f"{DEMO_VENDOR}/customers", "# Customers\n\n### How Quoldane cut overtime by 63%\n", kind="customers")
    others = tuple(p for p in vendor if p.ref.url != logo.ref.url)
    prospect = demo_pages("prospect", DEMO_PROSPECT)
    name = prospect[0].structured.site_name
    changed = tuple(page_named(p, "Quoldane", name) for p in (own, logo))
    source = ScriptedSource({"wrenhaul.example": (*others, *changed), "quoldane.example": prospect})
    playbook = await Stage(tmp_path, source=source).playbook(
        vendor=DEMO_VENDOR, prospect=DEMO_PROSPECT, model="extractive"
    )
    assert flag(playbook, "existing_customer")
    assert changed[0].ref.url in {read.url for read in playbook.pages}
    later = [touch.body for sequence in playbook.email_sequences for touch in sequence.touches[1:]]
    assert later
    assert not any("63%" in mail for mail in later)
    (why_we_win, *_) = playbook.battle_cards
    assert isinstance(why_we_win, WhyWeWinCard)
    assert why_we_win.proof
    assert not any("63%" in sentence.text for sentence in why_we_win.proof)


def page_named(read: Page, old: str, new: str) -> Page:
    return page(read.ref.url, read.text.replace(old, new), kind=read.ref.kind)


def test_a_prospect_that_is_not_a_customer_has_no_customer_flag(plain: Written) -> None:
    assert flag(plain.playbook, "existing_customer") is None


STORY = "# How Lumenforge ships 40% faster with Quillport\n\nLumenforge ships 40% faster since it moved to Quillport."


async def of_quillport(tmp_path: Path, texts: dict[str, str]) -> Playbook:
    source = ScriptedSource(sites(prospect=PROSPECT_TEXTS | texts))
    return await Stage(tmp_path, source=source).playbook(model="extractive")


async def test_a_vendor_that_is_the_prospects_customer_is_flagged_and_writes_as_a_customer(tmp_path: Path) -> None:
    playbook = await of_quillport(tmp_path, {"/customers/lumenforge": STORY})
    found = flag(playbook, "vendor_is_customer")
    assert found
    assert found.companies == ("vendor",)
    assert {playbook.evidence[i].url for i in found.evidence} == {f"https://{PROSPECT}/customers/lumenforge"}
    title = "“How Lumenforge ships 40% faster with Quillport”"
    assert all(title in sequence.touches[0].body for sequence in playbook.email_sequences)
    assert all(title in track.cold_call.opener[0].text for track in playbook.talk_tracks)
    assert title in playbook.executive_summary.whom_to_approach[0].text


async def test_a_logo_among_the_prospects_customers_is_enough_to_write_as_a_customer(tmp_path: Path) -> None:
    wall = f"{PROSPECT_TEXTS['/']}\n\n## Trusted by\n\nLOGOS Wharfside, Lumenforge Inc., Brinemark"
    playbook = await of_quillport(tmp_path, {"/": wall})
    assert flag(playbook, "vendor_is_customer")
    relation = "Lumenforge is a customer of Quillport."
    assert all(relation in sequence.touches[0].body for sequence in playbook.email_sequences)


NO_CUSTOMER = {
    "/customers/wharfside": "# Wharfside switches from Lumenforge to Quillport\n\nWharfside left Lumenforge.",
    "/compare/lumenforge": "# Lumenforge vs Quillport\n\nLumenforge lights yards, and Quillport moves goods.",
    "/customers/lumenforged": "# How Lumenforged grew by 40%\n\nLumenforged grew by 40% with Quillport.",
}


async def test_a_vendor_that_the_prospects_pages_merely_mention_is_not_its_customer(tmp_path: Path) -> None:
    playbook = await of_quillport(tmp_path, NO_CUSTOMER)
    assert NO_CUSTOMER.keys() <= {page.url.removeprefix(f"https://{PROSPECT}") for page in playbook.pages}
    assert flag(playbook, "vendor_is_customer") is None


GERMAN = {
    "/": "# Fähren aus dem Norden\n\nQuillport baut und repariert Fähren an zwei Standorten.",
    "/about": "# Über uns\n\nQuillport beschäftigt 380 Menschen. Die ältere Werft stammt aus dem Jahr 1961.",
    "/careers": "# Karriere\n\nWir suchen Leitung Technik (m/w/d). Die Nachtschicht ist uns zu langsam.",
    "/news/neue-halle": "# Neue Halle\n\nDie neue Halle hat Platz für 3 Fähren. Der Umzug war langsam.",
}


async def test_no_sentence_of_a_prospect_in_another_language_is_quoted_in_an_email(tmp_path: Path) -> None:
    prospect = tuple(
        p.model_copy(update={"ref": p.ref.model_copy(update={"language": "de"})})
        for p in pages("quoldane.example", GERMAN, name="Quillport")
    )
    source = ScriptedSource({"wrenhaul.example": demo_pages("vendor", DEMO_VENDOR), "quoldane.example": prospect})
    record, playbook = await Stage(tmp_path, source=source).run(
        vendor=DEMO_VENDOR, prospect=DEMO_PROSPECT, model="extractive"
    )
    assert playbook, record.error
    assert playbook.prospect.language == "de"
    quotes = [normal(e.quote) for e in playbook.evidence.values() if e.role == "prospect" and len(e.quote.split()) > 2]
    mails = [normal(touch.body) for sequence in playbook.email_sequences for touch in sequence.touches]
    assert mails
    assert [(quote, mail) for quote in quotes for mail in mails if quote.rstrip(".") in mail] == []


def test_evidence_has_the_language_and_time_of_its_page(plain: Written) -> None:
    assert {e.language for e in plain.playbook.evidence.values()} == {"en"}
    assert {e.fetched_at for e in plain.playbook.evidence.values()} == {FETCHED_AT}
