"""Steps 5 and 6: six pages are scraped, cut into passages and read in one ask; packs do not wait for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

from octave_mcp.asks.corrections import Checked
from octave_mcp.asks.passage_list import to_show
from octave_mcp.asks.prompts import ask_for
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.domain.asks import Ask, Capacity, ReadingBrief
from octave_mcp.domain.company import Reads, Role, Site
from octave_mcp.domain.evidence import Cite, EvidenceId, Passage
from octave_mcp.domain.findings import CompanyFindings
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.page import Page, PageFailure, count_words
from octave_mcp.domain.prospect import ProspectAnswer, ProspectReading
from octave_mcp.domain.research import Profile, Reading
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import READ_KINDS, VendorElements, some_kinds
from octave_mcp.errors import NoAccess, UpstreamError, own_words
from octave_mcp.evidence.context_words import ContextWords
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.passages import passages
from octave_mcp.evidence.repeats import without_repeats
from octave_mcp.evidence.screening import screened
from octave_mcp.evidence.selection import selected
from octave_mcp.pipeline.prioritise_urls import Pack
from octave_mcp.pipeline.run import Run

R = TypeVar("R", bound=Value)

# About 4,000 tokens: what is read of one page.
PAGE_CHARACTERS = 16_000
# With fewer pages, a shared date may be real.
BUILT_TOGETHER = 4


async def read_pack(run: Run, site: Site, profile: Profile, counterpart: str, pack: Pack, home: Page | None) -> Reading:
    """What the pack's pages say, and the home page if it is one of them.

    A page that fails is named, and a spare is read in its place; a pack whose ask fails costs its pages, not the run.
    """
    urls = pack.urls
    found = await run.pages.scrape(site, urls, pack.spares) if urls else ()
    pages = without_build_dates([page for page in (home, *found) if isinstance(page, Page)])
    failures = tuple(page for page in found if isinstance(page, PageFailure))
    if urls:
        run.progress(f"{len(found) - len(failures)} pages of {profile.name} fetched", units=len(urls))
    return await read(run, profile, counterpart, pages, failures)


async def read(
    run: Run,
    profile: Profile,
    counterpart: str,
    pages: Sequence[Page],
    failures: tuple[PageFailure, ...],
    is_asked: Callable[[Passage], bool] = lambda _: True,
) -> Reading:
    """What the pages say, as far as it `is_asked`."""
    serves_others = profile.company.traits.serves_other_deals
    interest = Interest(run.request.context, "" if serves_others else counterpart, run.offer)
    cut, suspicious = await computed(_cut_all, pages, interest)
    wanted = [own for part in cut if (own := [passage for passage in part if is_asked(passage)])]
    shown = await computed(_shown, wanted, interest, run.capacity.shown_characters)
    heard = await computed(_heard, run.request.context, pages)
    answers, unanswered = await _answers(run, profile, counterpart, shown)
    checked, reads = [answer for answer in answers if isinstance(answer, Checked)], profile.company.traits.reads
    return Reading(
        pages=tuple(page.ref for page in pages),
        words=sum(count_words(passage.text) for part in cut for passage in part),
        failures=failures,
        suspicious=suspicious,
        heard=heard,
        unanswered=unanswered,
        elements=_joined(VendorElements[EvidenceId], checked) if checked and reads == "elements" else None,
        signals=_joined(ProspectReading[EvidenceId], checked) if checked and reads == "signals" else None,
        findings=_joined(CompanyFindings[EvidenceId], checked),
        evidence=tuple(evidence for answer in checked for evidence in answer.evidence),
        gaps=tuple(gap for answer in answers for gap in (answer.gaps if isinstance(answer, Checked) else (answer,))),
    )


async def _answers(
    run: Run, profile: Profile, counterpart: str, shown: Sequence[list[Passage]]
) -> tuple[tuple[Checked[Value] | Gap, ...], tuple[str, ...]]:
    """The answers about these passages, and the addresses of the pages about which one failed."""
    asked = [
        (question, _ask(run, profile, counterpart, part, question))
        for part in _in_asks(shown, run.capacity)
        for question in questions(profile.company.traits.reads, run.specialists_per_ask)
    ]
    await run.announce("pages", *(ask for _, ask in asked))
    answers = await together(
        *(_answer(run, profile, ask, question, number) for number, (question, ask) in enumerate(asked, 1))
    )
    failed = (ask for (_, ask), answer in zip(asked, answers, strict=True) if isinstance(answer, Gap))
    return answers, tuple(dict.fromkeys(passage.page.url for ask in failed for passage in ask.passages))


def without_build_dates(pages: Sequence[Page]) -> list[Page]:
    """Without a date that most of the pages read together share: it is the day on which the site was built."""
    days = Counter(page.ref.published_on for page in pages)
    built = {day for day, count in days.items() if day and count >= BUILT_TOGETHER and count > len(pages) / 2}
    undated = {"published_on": None}
    return [
        page.model_copy(update={"ref": page.ref.model_copy(update=undated)}) if page.ref.published_on in built else page
        for page in pages
    ]


def _heard(context: str, pages: Sequence[Page]) -> tuple[str, ...]:
    """The words of the context that the pages have, wherever on them, also in what no question shows."""
    words = ContextWords(context)
    heard = frozenset[str]().union(*(words.heard(page.text) for page in pages))
    return tuple(word for word in words.words if word in heard)


def _cut_all(pages: Sequence[Page], interest: Interest) -> tuple[list[list[Passage]], tuple[str, ...]]:
    """The passages to show of each page, and the addresses of those that speak to a model, without what does."""
    cut = [_cut(page, interest) for page in pages]
    for_readers = [screened(found) for found in cut]
    suspicious = tuple(page.ref.url for page, all_, ours in zip(pages, cut, for_readers, strict=True) if ours != all_)
    return without_repeats(for_readers), suspicious


def _cut(page: Page, interest: Interest) -> list[Passage]:
    """The page's passages; of a page that is longer than about 4,000 tokens, those that tell most."""
    found = passages(page)
    if sum(len(passage.text) for passage in found) <= PAGE_CHARACTERS:
        return list(found)
    chosen = selected(found, interest, PAGE_CHARACTERS)
    return [passage for at, passage in enumerate(found) if at in chosen]


def _shown(cut: Sequence[list[Passage]], interest: Interest, most: int | None) -> Sequence[list[Passage]]:
    """What a model is shown of each page."""
    if most is None:
        return cut
    chosen = to_show([passage for page in cut for passage in page], interest, most)
    return [list(page) for _, page in groupby(chosen, key=lambda passage: passage.page.url)]


def _in_asks(pages: Sequence[list[Passage]], capacity: Capacity) -> Iterator[tuple[Passage, ...]]:
    """The pages in as many asks as they need: an overfull pack is asked in two."""
    size_of = len if capacity.shown_characters is None else _in_bytes  # as the limit of a client's question is
    part, size = list[Passage](), 0
    for page in pages:
        length = sum(size_of(passage.text) for passage in page)
        if part and size + length > capacity.ask_characters:
            yield tuple(part)
            part, size = [], 0
        part.extend(page)
        size += length
    if part:
        yield tuple(part)


def _in_bytes(text: str) -> int:
    return len(text.encode())


def _ask(
    run: Run, profile: Profile, counterpart: str, shown: tuple[Passage, ...], question: Question
) -> Ask[Value, ReadingBrief]:
    """One ask for all that its prompts want to know, which are read together."""
    company = profile.company
    brief = ReadingBrief(
        role=company.role, company=profile.name, domain=company.domain,
        counterpart="" if company.traits.serves_other_deals else counterpart,
        context=run.request.context,
        offer=run.offer,
    )  # fmt: skip
    language = run.request.language
    return ask_for(question.prompts, language=language, brief=brief, passages=shown, answer=question.answer)


async def _answer(
    run: Run, profile: Profile, ask: Ask[Value, ReadingBrief], question: Question, number: int
) -> Checked[Value] | Gap:
    company, name = profile.company, "ask" if number == 1 else f"ask-{number}"
    roles = (company.role,) * len(ask.passages)
    try:
        known = tuple(filter(None, (profile.name, ask.brief.counterpart)))
        names: dict[Role, str] = {company.role: profile.name, company.traits.counterpart: ask.brief.counterpart}
        return await run.ask(ask, question.into, roles=roles, known=known, companies=names, name=name)
    except NoAccess:
        raise
    except UpstreamError as failed:
        reason = f"some pages could not be read: {own_words(failed)}"
        return Gap(section=company.traits.section, code=failed.code, reason=reason, would_fill="another run")


class Question(NamedTuple):
    """`answer` is the form of what is cited by number, `into` of what is cited by evidence."""

    prompts: tuple[str, ...]
    answer: type[Value]
    into: type[Value]


def questions(reads: Reads, specialists_per_ask: int) -> list[Question]:
    """What is asked about a pack of a company's pages."""
    return {"elements": _of_elements, "signals": _of_signals}[reads](specialists_per_ask)


def _of_elements(together: int) -> list[Question]:
    """Groups of as many specialists as one ask may have."""
    kinds = tuple(READ_KINDS)
    groups = (kinds[at : at + together] for at in range(0, len(kinds), together))
    return [
        Question(tuple(READ_KINDS[kind] for kind in some), some_kinds(some, Cite), some_kinds(some, str))
        for some in groups
    ]


def _of_signals(_: int) -> list[Question]:
    names = ("prospect/company_profile", *(f"company/{kind}" for kind in CompanyFindings.model_fields))
    return [Question(names, ProspectAnswer[Cite], ProspectAnswer[EvidenceId])]


def _joined(kind: type[R], answers: Sequence[Checked[Value]]) -> R:
    """Answers as one of the whole form: their lists one after another."""
    joined: dict[str, object] = {
        name: tuple(found for answer in answers for found in getattr(answer.value, name, ()))
        for name in kind.model_fields
    }
    return kind.model_validate(joined)
