"""Steps 5 and 6: six pages are scraped, cut into passages and read in one ask; packs do not wait for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeVar

from octave_mcp.computing import computed
from octave_mcp.domain.asks import Ask, ReadingBrief
from octave_mcp.domain.company import Role, Site
from octave_mcp.domain.evidence import Cite, EvidenceId, Passage
from octave_mcp.domain.page import Page, PageFailure, count_words
from octave_mcp.domain.playbook import Gap
from octave_mcp.domain.prospect import ProspectReading
from octave_mcp.domain.research import Profile, Reading, Spent
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.errors import NoAccess, UpstreamError
from octave_mcp.evidence import passages
from octave_mcp.figures import normal
from octave_mcp.prompts import load
from octave_mcp.run import Checked, Run
from octave_mcp.together import together

R = TypeVar("R", bound=Value)

PAGE_CHARACTERS = 16_000
"""About 4,000 tokens: what is read of one page."""
ASK_CHARACTERS = 60_000
"""About 15,000 tokens: an overfull pack is asked in two."""
BOILERPLATE_PAGES = 3
THIN_WORDS = 5
"""Below, a page is a label: it has nothing to quote. The home page is read whatever it has."""


async def read_pack(run: Run, site: Site, profile: Profile, counterpart: str, urls: tuple[str, ...]) -> Reading:
    """What these pages say. A page that fails is named; a pack whose ask fails costs its pages, not the run."""
    found = [_unless_thin(page) for page in await run.scrape(site, urls)]
    pages = [page for page in found if isinstance(page, Page)]
    failures = tuple(page for page in found if isinstance(page, PageFailure))
    run.progress(f"{len(pages)} pages of {profile.name} fetched", units=len(urls))
    return await _read(run, profile, counterpart, pages, failures)


def _unless_thin(page: Page | PageFailure) -> Page | PageFailure:
    if isinstance(page, PageFailure) or page.words >= THIN_WORDS:
        return page
    return PageFailure(url=page.ref.url, code="thin", reason=f"There are only {page.words} words on it")


async def read_home(run: Run, profile: Profile, counterpart: str, home: Page) -> Reading:
    """The home page, read like any other."""
    return await _read(run, profile, counterpart, [home], ())


async def _read(
    run: Run, profile: Profile, counterpart: str, pages: Sequence[Page], failures: tuple[PageFailure, ...]
) -> Reading:
    cut = await computed(_cut_all, pages)
    asked = [_ask(run, profile, counterpart, part) for part in _in_asks(cut)]
    answers = await together(*asked)
    return Reading(
        pages=tuple(page.ref for page in pages),
        words=sum(count_words(passage.text) for part in cut for passage in part),
        failures=failures,
        vendor=_joined(VendorElements[EvidenceId], [a.value for a in answers if isinstance(a, Checked)]),
        prospect=_joined(ProspectReading[EvidenceId], [a.value for a in answers if isinstance(a, Checked)]),
        evidence=tuple(e for a in answers if isinstance(a, Checked) for e in a.evidence),
        gaps=tuple(gap for a in answers for gap in (a.gaps if isinstance(a, Checked) else (a,))),
        spent=sum((a.spent for a in answers if isinstance(a, Checked)), Spent()),
    )


def _cut_all(pages: Sequence[Page]) -> list[list[Passage]]:
    return _without_boilerplate([_cut(page) for page in pages])


def _cut(page: Page) -> list[Passage]:
    """The page's passages, up to about 4,000 tokens."""
    kept, size = list[Passage](), 0
    for passage in passages(page):
        size += len(passage.text)
        if size > PAGE_CHARACTERS and kept:
            break
        kept.append(passage)
    return kept


def _without_boilerplate(pages: list[list[Passage]]) -> list[list[Passage]]:
    """Without passages that stand on three pages or more: they are about the site, not about the page."""
    seen = Counter(text for page in pages for text in {normal(passage.text) for passage in page})
    return [[passage for passage in page if seen[normal(passage.text)] < BOILERPLATE_PAGES] for page in pages]


def _in_asks(pages: Sequence[list[Passage]]) -> Iterator[tuple[Passage, ...]]:
    part, size = list[Passage](), 0
    for page in pages:
        length = sum(len(passage.text) for passage in page)
        if part and size + length > ASK_CHARACTERS:
            yield tuple(part)
            part, size = [], 0
        part.extend(page)
        size += length
    if part:
        yield tuple(part)


async def _ask(
    run: Run, profile: Profile, counterpart: str, shown: tuple[Passage, ...]
) -> Checked[VendorElements[EvidenceId]] | Checked[ProspectReading[EvidenceId]] | Gap:
    role = profile.company.role
    roles: tuple[Role, ...] = (role,) * len(shown)
    known = (profile.name, counterpart)
    try:
        if role == "vendor":
            ask = _of_pack(run, profile, counterpart, shown, "vendor/offerings", VendorElements[Cite])
            return await run.ask(ask, VendorElements[EvidenceId], roles=roles, known=known)
        question = _of_pack(run, profile, counterpart, shown, "prospect/company_profile", ProspectReading[Cite])
        return await run.ask(question, ProspectReading[EvidenceId], roles=roles, known=known)
    except NoAccess:
        raise
    except UpstreamError as failed:
        section = "vendor_elements" if role == "vendor" else "prospect_intelligence"
        return Gap(
            section=section,
            code=failed.code,
            reason=f"a pack of pages could not be read: {failed}",
            would_fill="another run",
        )


A = TypeVar("A", bound=Value)


def _of_pack(
    run: Run, profile: Profile, counterpart: str, shown: tuple[Passage, ...], name: str, answer: type[A]
) -> Ask[A, ReadingBrief]:
    """One ask for everything the pack says: the specialists' prompts are read together, and named by the first."""
    prompt = load(name)
    brief = ReadingBrief(
        role=profile.company.role, company=profile.name, domain=profile.company.domain,
        counterpart=counterpart, context=run.request.context,
    )  # fmt: skip
    return Ask[A, ReadingBrief](
        prompt=prompt.name, version=prompt.version, tier=prompt.tier, language=run.request.language,
        brief=brief, passages=shown, answer=answer,
    )  # fmt: skip


def _joined(kind: type[R], answers: Sequence[Value]) -> R | None:
    """Answers of one form as one: their lists one after another."""
    mine = [answer for answer in answers if isinstance(answer, kind)]
    if not mine:
        return None
    joined: dict[str, object] = {name: tuple(x for a in mine for x in getattr(a, name)) for name in kind.model_fields}
    return kind.model_validate(joined)
