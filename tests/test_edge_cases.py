"""Companies, pages and requests that are not as one expects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    asked_for,
    form,
    invented_sites,
    page,
    pages,
)
from test_pipeline import DEMO_PROSPECT, DEMO_VENDOR, demo_pages

from octave_mcp.domain.asks import WritingBrief
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.page import Page
from octave_mcp.domain.playbook import Flag, FlagCode, Playbook, WhyWeWinCard
from octave_mcp.domain.prospect import Buyer, Understanding
from octave_mcp.domain.value import Value
from octave_mcp.errors import HostNotAllowed, InputError, InvalidDomain, SameCompany, SetupError, UnknownName
from octave_mcp.errors import UnsupportedLanguage as Unsupported
from octave_mcp.figures import normal
from octave_mcp.steps.account import LOW_PAGES, LOW_WORDS

Sites = dict[str, tuple[Page, ...]]


def flag(playbook: Playbook, code: FlagCode) -> Flag | None:
    return next((flag for flag in playbook.flags if flag.code == code), None)


def sites(vendor: dict[str, str] | None = None, prospect: dict[str, str] | None = None) -> Sites:
    return {
        VENDOR: pages(VENDOR, vendor or VENDOR_TEXTS, name="Lumenforge"),
        PROSPECT: pages(PROSPECT, prospect or PROSPECT_TEXTS, name="Quillport"),
    }


# Requests that cannot be used


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
    with pytest.raises(SameCompany, match=r"are one company, lumenforge\.example"):
        await (await Stage(tmp_path).opened()).start(asked_for(vendor=vendor, prospect=prospect, model=model))


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


async def test_a_model_of_certain_languages_is_asked_for_those_only(tmp_path: Path) -> None:
    stage = Stage(tmp_path, model=ScriptedModel(frozenset({"de", "fr"})))
    with pytest.raises(Unsupported, match="writes de, fr, not 'en'"):
        await (await stage.opened()).start(asked_for())
    assert (await stage.playbook(language="de")).language == "de"


async def test_a_model_of_any_language_is_asked_in_it(tmp_path: Path) -> None:
    model = ScriptedModel()
    playbook = await Stage(tmp_path, model=model).playbook(language="sv")
    assert playbook.language == "sv"
    assert {ask.language for ask in model.asked} == {"sv"}


@pytest.mark.parametrize("field", ["model", "source"])
async def test_an_unknown_adapter_is_refused_with_the_names_there_are(tmp_path: Path, field: str) -> None:
    with pytest.raises(UnknownName, match=r"there is no (model|source) 'nonesuch'; choose one of"):
        await (await Stage(tmp_path).opened()).start(asked_for(**{field: "nonesuch"}))


async def test_auto_without_a_model_is_refused_and_names_the_way_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="extractive"):
        await (await Stage(tmp_path).opened()).start(asked_for(model="auto"))


# Little to read


def of_words(count: int, *paths: str) -> dict[str, str]:
    """A site of so many words in all, its home page's head aside, evenly on these paths; none stands on three pages."""
    head = 6  # 'About this page', 'Site name: X'
    share, rest = divmod(count - head, len(paths))
    counts = [share + (at < rest) for at in range(len(paths))]
    return {path: text_of(number, at) for at, (path, number) in enumerate(zip(paths, counts, strict=True))}


def text_of(count: int, at: int) -> str:
    words = [f"w{at}x{number}" for number in range(count)]
    return "\n\n".join(" ".join(words[start : start + 12]) + "." for start in range(0, count, 12))


THREE = ("/", "/about", "/news/a")


@pytest.mark.parametrize(
    ("texts", "low"),
    [
        (of_words(LOW_WORDS, *THREE), False),
        (of_words(LOW_WORDS - 1, *THREE), True),
        (of_words(LOW_WORDS + 100, *THREE[: LOW_PAGES - 1]), True),
        (of_words(LOW_WORDS - 1, *THREE[: LOW_PAGES - 1]), True),
        (of_words(LOW_WORDS, *THREE, "/about/team"), False),
    ],
)
async def test_confidence_is_low_exactly_below_three_pages_or_three_hundred_words(
    tmp_path: Path, texts: dict[str, str], low: bool
) -> None:
    plenty = VENDOR_TEXTS | of_words(400, "/product/a", "/product/b")
    stage = Stage(tmp_path, source=ScriptedSource(sites(plenty, texts)))
    found = await research_of(stage)
    assert found == (low, ("prospect",) if low else ())


async def research_of(stage: Stage) -> tuple[bool, tuple[str, ...]]:
    """Whether the flag is up and for whom; a prospect of nothing but words gives no jobs, so one persona is given."""
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


async def test_low_confidence_names_each_company_with_its_counts(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    found = flag(await stage.playbook(), "low_confidence")
    assert found
    assert found.companies == ("vendor", "prospect")
    assert found.reason.startswith("lumenforge.example gives 9 pages and ")


async def test_a_prospect_of_one_small_page_gives_a_playbook_or_says_that_it_gave_too_little(tmp_path: Path) -> None:
    source = ScriptedSource(sites(prospect={"/": "# Quillport\n\nWe build ferries."}))
    record, playbook = await Stage(tmp_path, source=source).run(model="extractive")
    if playbook is None:
        assert record.error
        assert (record.status, record.error.code) == ("failed", "upstream_unavailable")
    else:
        assert flag(playbook, "low_confidence")


async def test_a_home_page_that_says_nothing_leaves_the_domain_as_the_name(tmp_path: Path) -> None:
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


# What the user says of the deal

CONTEXT = "They hate night shifts, saved 77% with Hooli, and want the audit."


async def test_the_context_is_marked_as_the_users_and_is_never_evidence(tmp_path: Path) -> None:
    playbook = await Stage(tmp_path).playbook(context=CONTEXT)
    assert playbook.context
    assert (playbook.context.given_by, playbook.context.text) == ("user", CONTEXT)
    assert not any("Hooli" in e.quote or "77" in e.quote for e in playbook.evidence.values())
    assert "Hooli" in next(gap.reason for gap in playbook.gaps if gap.section == "context")
    assert "Hooli" not in playbook.model_copy(update={"context": None, "gaps": ()}).model_dump_json()


async def test_without_context_there_is_none(tmp_path: Path) -> None:
    assert (await Stage(tmp_path).playbook()).context is None


async def test_the_context_steers_which_pages_are_read(tmp_path: Path) -> None:
    assert await vendor_products(tmp_path / "a", max_pages=5) == ["/product/planner"]
    assert await vendor_products(tmp_path / "b", max_pages=5, context=CONTEXT) == ["/product/audit"]


async def vendor_products(home: Path, **request: Any) -> list[str]:  # noqa: ANN401 - fields of the request
    source = ScriptedSource(invented_sites())
    await Stage(home, source=source).run(**request)
    return [url.partition(VENDOR)[2] for url in source.scraped if f"{VENDOR}/product" in url]


async def test_every_writer_is_told_the_context(tmp_path: Path) -> None:
    model = ScriptedModel()
    await Stage(tmp_path, model=model).run(context=CONTEXT)
    briefs = [ask.brief for ask in model.asked if isinstance(ask.brief, WritingBrief)]
    assert len(briefs) == 10
    assert {brief.context for brief in briefs} == {CONTEXT}


# A prospect that is a customer already

WITH_QUILLPORT = VENDOR_TEXTS | {
    "/customers": VENDOR_TEXTS["/customers"] + "\n- Quillport",
    "/customers/quillport": "# Quillport saved 55 nights with Lumenforge\n\nQuillport lit 2 yards and saved 55 nights.",
}


async def test_an_existing_customer_is_flagged_with_the_evidence(tmp_path: Path) -> None:
    model = ScriptedModel()
    playbook = await Stage(tmp_path, model=model, source=ScriptedSource(sites(WITH_QUILLPORT))).playbook()
    found = flag(playbook, "existing_customer")
    assert found
    assert found.companies == ("prospect",)
    assert [playbook.evidence[i].quote for i in found.evidence] == ["Quillport"]
    assert playbook.evidence[found.evidence[0]].url == f"https://{VENDOR}/customers"
    assert all(a.brief.existing_customer == found.evidence for a in model.asked if isinstance(a.brief, WritingBrief))


@pytest.mark.parametrize("name", ["Quillport", "QUILLPORT", "Quillport Inc.", "quillport"])
async def test_an_existing_customer_is_known_however_its_name_is_written(tmp_path: Path, name: str) -> None:
    texts = VENDOR_TEXTS | {"/customers": f"{VENDOR_TEXTS['/customers']}\n- {name}"}
    playbook = await Stage(tmp_path, source=ScriptedSource(sites(texts))).playbook()
    assert flag(playbook, "existing_customer")


@pytest.mark.parametrize("name", ["Quill", "Quillports", "Port of Quill", "Not Quillport"])
async def test_a_customer_of_a_like_name_is_another_company(tmp_path: Path, name: str) -> None:
    texts = VENDOR_TEXTS | {"/customers": f"{VENDOR_TEXTS['/customers']}\n- {name}"}
    playbook = await Stage(tmp_path, source=ScriptedSource(sites(texts))).playbook()
    assert flag(playbook, "existing_customer") is None


async def test_the_story_of_an_existing_customer_is_read_and_is_no_proof_to_itself(tmp_path: Path) -> None:
    """The first touch may name it, as what they know; no later touch and no battle card rests on it."""
    vendor = demo_pages("vendor", DEMO_VENDOR)
    own = page(
        f"{DEMO_VENDOR}/customers/quoldane",
        "# How Quoldane cut overtime by 63% with Wrenhaul\n\nQuoldane cut overtime by 63% in five weeks with Wrenhaul.",
        kind="case_study",
    )
    logo = page(f"{DEMO_VENDOR}/customers", "# Customers\n\n### How Quoldane cut overtime by 63%\n", kind="customers")
    kept = tuple(p for p in vendor if p.ref.url != logo.ref.url)
    prospect = demo_pages("prospect", DEMO_PROSPECT)
    name = prospect[0].structured.site_name
    changed = tuple(page_named(p, "Quoldane", name) for p in (own, logo))
    source = ScriptedSource({"wrenhaul.example": (*kept, *changed), "quoldane.example": prospect})
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


async def test_no_customer_is_flagged_where_there_is_none(tmp_path: Path) -> None:
    assert flag(await Stage(tmp_path).playbook(), "existing_customer") is None


# A vendor that is its prospect's customer

STORY = "# How Lumenforge ships 40% faster with Quillport\n\nLumenforge ships 40% faster since it moved to Quillport."


async def of_quillport(tmp_path: Path, texts: dict[str, str]) -> Playbook:
    source = ScriptedSource(sites(prospect=PROSPECT_TEXTS | texts))
    return await Stage(tmp_path, source=source).playbook(model="extractive")


async def test_a_vendor_that_is_the_prospects_customer_is_told_so_and_writes_as_one(tmp_path: Path) -> None:
    playbook = await of_quillport(tmp_path, {"/customers/lumenforge": STORY})
    found = flag(playbook, "vendor_is_customer")
    assert found
    assert found.companies == ("vendor",)
    assert {playbook.evidence[i].url for i in found.evidence} == {f"https://{PROSPECT}/customers/lumenforge"}
    title = "“How Lumenforge ships 40% faster with Quillport”"
    assert all(title in sequence.touches[0].body for sequence in playbook.email_sequences)
    assert all(title in track.cold_call.opener[1].text for track in playbook.talk_tracks)
    assert title in playbook.executive_summary.whom_to_approach[0].text
    assert "works with Quillport" in playbook.quick_wins[0].action


async def test_a_logo_among_the_prospects_customers_is_enough_to_write_as_one(tmp_path: Path) -> None:
    wall = f"{PROSPECT_TEXTS['/']}\n\n## Trusted by\n\nLogos: Wharfside, Lumenforge Inc., Brinemark"
    playbook = await of_quillport(tmp_path, {"/": wall})
    assert flag(playbook, "vendor_is_customer")
    assert all("customer of yours" in sequence.touches[0].body for sequence in playbook.email_sequences)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/customers/wharfside", "# Wharfside switches from Lumenforge to Quillport\n\nWharfside left Lumenforge."),
        ("/compare/lumenforge", "# Lumenforge vs Quillport\n\nLumenforge lights yards, and Quillport moves goods."),
        ("/customers/lumenforged", "# How Lumenforged grew by 40%\n\nLumenforged grew by 40% with Quillport."),
    ],
)
async def test_a_vendor_only_named_on_the_prospects_pages_is_no_customer_of_it(
    tmp_path: Path, path: str, text: str
) -> None:
    assert flag(await of_quillport(tmp_path, {path: text}), "vendor_is_customer") is None


# A prospect that speaks another language

GERMAN = {
    "/": "# Fähren aus dem Norden\n\nQuillport baut und repariert Fähren an zwei Standorten.",
    "/about": "# Über uns\n\nQuillport beschäftigt 380 Menschen. Die ältere Werft stammt aus dem Jahr 1961.",
    "/careers": "# Karriere\n\nWir suchen Leitung Technik (m/w/d). Die Nachtschicht ist uns zu langsam.",
    "/news/neue-halle": "# Neue Halle\n\nDie neue Halle hat Platz für 3 Fähren. Der Umzug war langsam.",
}


async def test_no_sentence_of_a_prospect_in_another_language_is_quoted_in_a_mail(tmp_path: Path) -> None:
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
    said = [normal(e.quote) for e in playbook.evidence.values() if e.role == "prospect" and len(e.quote.split()) > 2]
    mails = [normal(touch.body) for sequence in playbook.email_sequences for touch in sequence.touches]
    assert mails
    assert [(quote, mail) for quote in said for mail in mails if quote.rstrip(".") in mail] == []


async def test_pages_keep_their_language_and_time(tmp_path: Path) -> None:
    playbook = await Stage(tmp_path).playbook()
    assert {e.language for e in playbook.evidence.values()} == {"en"}
    assert {e.fetched_at for e in playbook.evidence.values()} == {FETCHED_AT}
