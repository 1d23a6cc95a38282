"""Steps 5 and 6: fetch a pack of pages, cut the pages into passages, and ask the model what the passages say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from octave_mcp.asks.corrections import Checked
from octave_mcp.asks.passage_list import to_show
from octave_mcp.asks.prompts import ask_for, load
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.domain.asks import Ask, Capacity, ReadingBrief, asks_per_pack
from octave_mcp.domain.company import Reads, Role, Site
from octave_mcp.domain.evidence import Cite, EvidenceId, Passage
from octave_mcp.domain.findings import CompanyFindings
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.page import Page, PageFailure, count_words
from octave_mcp.domain.prospect import SIGNAL_KINDS, ProspectAnswer, ProspectFindings
from octave_mcp.domain.research import Profile, Reading
from octave_mcp.domain.value import Value, only
from octave_mcp.domain.vendor import READ_KINDS, VendorAnswer, VendorElements
from octave_mcp.errors import NoAccess, UpstreamError, without_provider_text
from octave_mcp.evidence.context_words import ContextWords
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.passages import passages
from octave_mcp.evidence.repeats import without_repeats
from octave_mcp.evidence.screening import screened
from octave_mcp.evidence.selection import selected
from octave_mcp.pipeline.found import found
from octave_mcp.pipeline.prioritise_urls import Pack
from octave_mcp.pipeline.run import Run

R = TypeVar("R", bound=Value)

# Maximum number of characters to read from one page (about 4,000 tokens in English). If a page is longer, only its most
# relevant passages are read.
PAGE_CHARACTERS = 16_000
# Static site generators often date every page with the day of the build. If fewer pages than this share a date, the
# date is retained, because it can be a real publication date.
MIN_PAGES_OF_A_BUILD = 4


async def read_pack(run: Run, site: Site, profile: Profile, counterpart: str, pack: Pack, home: Page | None) -> Reading:
    """Fetch the pages of a pack, and read them together with `home`, if it is given.

    If a page fails, the failure is reported, and a spare page is read instead. If an ask fails, the result has a gap,
    and the run continues.
    """
    urls = pack.urls
    scraped = await run.pages.scrape(site, urls, pack.spares) if urls else ()
    pages = without_build_dates([page for page in (home, *scraped) if isinstance(page, Page)])
    failures = tuple(page for page in scraped if isinstance(page, PageFailure))
    if urls:
        run.progress(f"{len(scraped) - len(failures)} pages of {profile.name} fetched", units=len(urls))
    return await read(run, profile, counterpart, pages, failures)


async def read(
    run: Run,
    profile: Profile,
    counterpart: str,
    pages: Sequence[Page],
    failures: tuple[PageFailure, ...],
    is_asked: Callable[[Passage], bool] = lambda _: True,
) -> Reading:
    """Ask the model about the passages of these pages, and join its answers.

    The ask includes only passages for which `is_asked` returns true.
    """
    # Research on a vendor is reused for other deals, so this deal's prospect must not influence the choice of passages.
    serves_others = profile.company.traits.serves_other_deals
    interest = Interest(run.request.context, "" if serves_others else counterpart, run.offer)
    cut, suspicious = await computed(_cut_all, pages, interest)
    wanted = [own for part in cut if (own := [passage for passage in part if is_asked(passage)])]
    shown = await computed(_shown, wanted, interest, run.capacity.shown_characters)
    context_words = await computed(_words_on_pages, run.request.context, pages)
    answers, unanswered = await _answers(run, profile, counterpart, shown)
    checked, reads = [answer for answer in answers if isinstance(answer, Checked)], profile.company.traits.reads
    reading = Reading(
        pages=tuple(page.ref for page in pages),
        words=sum(count_words(passage.text) for part in cut for passage in part),
        failures=failures,
        suspicious=suspicious,
        heard=context_words,
        unanswered=unanswered,
        elements=_joined(VendorElements[EvidenceId], checked) if checked and reads == "elements" else None,
        signals=_joined(ProspectFindings[EvidenceId], checked) if checked and reads == "signals" else None,
        findings=_joined(CompanyFindings[EvidenceId], checked),
        evidence=tuple(evidence for answer in checked for evidence in answer.evidence),
        gaps=tuple(gap for answer in answers for gap in (answer.gaps if isinstance(answer, Checked) else (answer,))),
    )
    for line in found(profile.name, reading.findings, reading.elements or reading.signals):
        run.progress.report("found", message=line)
    return reading


async def _answers(
    run: Run, profile: Profile, counterpart: str, shown: Sequence[list[Passage]]
) -> tuple[tuple[Checked[Value] | Gap, ...], tuple[str, ...]]:
    """Ask all questions about these passages.

    Return the answers, and the URLs of the pages for which an ask failed.
    """
    asks = [
        (question, _ask(run, profile, counterpart, part, question))
        for part in _in_asks(shown, run.capacity)
        for question in questions(profile.company.traits.reads, run.specialists_per_ask)
    ]
    await run.announce("pages", *(ask for _, ask in asks))
    answers = await together(
        *(_answer(run, profile, ask, question, number) for number, (question, ask) in enumerate(asks, 1))
    )
    failed = (ask for (_, ask), answer in zip(asks, answers, strict=True) if isinstance(answer, Gap))
    return answers, tuple(dict.fromkeys(passage.page.url for ask in failed for passage in ask.passages))


def without_build_dates(pages: Sequence[Page]) -> list[Page]:
    """Remove the publication date of pages if most pages share the date.

    A date that most pages share is usually the date on which the site was built.
    """
    days = Counter(page.ref.published_on for page in pages)
    built = {day for day, count in days.items() if day and count >= MIN_PAGES_OF_A_BUILD and count > len(pages) / 2}
    undated = {"published_on": None}
    return [
        page.model_copy(update={"ref": page.ref.model_copy(update=undated)}) if page.ref.published_on in built else page
        for page in pages
    ]


def _words_on_pages(context: str, pages: Sequence[Page]) -> tuple[str, ...]:
    """Return the context words that occur anywhere on the pages, even in passages that the model does not see."""
    words = ContextWords(context)
    matches = frozenset[str]().union(*(words.matched_words(page.text) for page in pages))
    return tuple(word for word in words.words if word in matches)


def _cut_all(pages: Sequence[Page], interest: Interest) -> tuple[list[list[Passage]], tuple[str, ...]]:
    """Cut the pages into passages, without repeats and without text that is addressed to a language model.

    Return the passages of each page, and the URLs of the pages that contained text for a language model.
    """
    cut = [_cut(page, interest) for page in pages]
    screened_cut = [screened(own) for own in cut]
    suspicious = tuple(
        page.ref.url for page, before, after in zip(pages, cut, screened_cut, strict=True) if after != before
    )
    return without_repeats(screened_cut), suspicious


def _cut(page: Page, interest: Interest) -> list[Passage]:
    """Return the page's passages, or only the most relevant passages if the page is long."""
    every = passages(page)
    if sum(len(passage.text) for passage in every) <= PAGE_CHARACTERS:
        return list(every)
    chosen = selected(every, interest, PAGE_CHARACTERS)
    return [passage for at, passage in enumerate(every) if at in chosen]


def _shown(cut: Sequence[list[Passage]], interest: Interest, max_characters: int | None) -> Sequence[list[Passage]]:
    """Return the passages that fit within the model's limit, grouped by page.

    If the model has no limit, return all passages.
    """
    if max_characters is None:
        return cut
    chosen = to_show([passage for page in cut for passage in page], interest, max_characters)
    return [list(page) for _, page in groupby(chosen, key=lambda passage: passage.page.url)]


def _in_asks(pages: Sequence[list[Passage]], capacity: Capacity) -> Iterator[tuple[Passage, ...]]:
    """Divide the pages among several asks if they exceed the model's limit. A page is never split."""
    # Questions for a connected client are limited in bytes and not in characters: a Chinese character has three bytes.
    size_of = len if capacity.shown_characters is None else _byte_count
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


def _byte_count(text: str) -> int:
    return len(text.encode())


def _ask(
    run: Run, profile: Profile, counterpart: str, shown: tuple[Passage, ...], question: Question
) -> Ask[Value, ReadingBrief]:
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
        reason = f"some pages could not be analysed: {without_provider_text(failed)}"
        return Gap(section=company.traits.section, code=failed.code, reason=reason, would_fill="another run")


class Question(NamedTuple):
    """Prompts that are sent together in a single ask.

    - `answer`: type of the model's answer, which cites passages by number.
    - `into`: type of the checked answer, which cites evidence ids instead of passage numbers.
    """

    prompts: tuple[str, ...]
    answer: type[Value]
    into: type[Value]


def questions(reads: Reads, specialists_per_ask: int) -> list[Question]:
    """Return the questions to ask about a pack of pages.

    If `reads` is 'elements', the questions are about what the company sells. If `reads` is 'signals', the questions are
    about what the company needs.
    """
    whole, prompts = _SPECIALISTS[reads]
    return [
        Question(
            tuple(dict.fromkeys(prompts[kind] for kind in group)),
            only(whole[Cite], group),
            only(whole[EvidenceId], group),
        )
        for group in _balanced(prompts, asks_per_pack(reads, specialists_per_ask))
    ]


# The answer about a pack, and the prompt for each of its lists.
_SPECIALISTS: dict[Reads, tuple[Any, Mapping[str, str]]] = {
    "elements": (VendorAnswer, READ_KINDS),
    "signals": (ProspectAnswer, SIGNAL_KINDS),
}


def _balanced(prompts: Mapping[str, str], count: int) -> list[tuple[str, ...]]:
    """Divide the kinds of findings into `count` groups whose answers can become about equally long.

    The slowest answer decides how long reading takes. Within a group, the kinds keep their order.
    """
    limits = {kind: load(prompt).limits.output_tokens for kind, prompt in prompts.items()}
    groups: list[list[str]] = [[] for _ in range(count)]
    for kind in sorted(limits, key=lambda kind: -limits[kind]):
        min(groups, key=lambda group: sum(limits[each] for each in group)).append(kind)
    return [tuple(kind for kind in prompts if kind in group) for group in groups]


def _joined(kind: type[R], answers: Sequence[Checked[Value]]) -> R:
    """Concatenate the lists in the answers to several questions."""
    joined: dict[str, object] = {
        name: tuple(entry for answer in answers for entry in getattr(answer.value, name, ()))
        for name in kind.model_fields
    }
    return kind.model_validate(joined)
