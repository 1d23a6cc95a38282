"""Two fakes for tests: a model that answers by simple rules, and a source of pages.

The source serves invented pages. Tests can change the answers of each fake, or make it fail or wait.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args, get_origin

from pydantic import ValidationError

from octave_mcp.app import App
from octave_mcp.domain.addresses import same_site, url_key
from octave_mcp.domain.asks import (
    A,
    AddressesAnswer,
    Answer,
    Ask,
    Capacity,
    HomepageAnswer,
    Judgement,
    RevisionBrief,
    Usage,
)
from octave_mcp.domain.cards import CompetitivePositioning, Objection, ObjectionHandling, WhyWeWin
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.deal import Seat, ValueMapRow
from octave_mcp.domain.estimate import Estimate
from octave_mcp.domain.events import Event
from octave_mcp.domain.evidence import Cite, Claim, Evidence, Finding, Passage
from octave_mcp.domain.kinds import kind_of
from octave_mcp.domain.page import (
    CacheEntry,
    HeadFact,
    Link,
    Page,
    PageFailure,
    PageKind,
    PageRef,
    Structured,
    with_facts,
)
from octave_mcp.domain.playbook import (
    BrushOff,
    CallToAction,
    Caution,
    ColdCall,
    DealDraft,
    DemoPoint,
    DiscoveryQuestion,
    ExecutiveSummary,
    PersonaDrafts,
    PersonaPoints,
    Playbook,
    QuickWin,
    SequenceDraft,
    SuccessMetric,
    SummaryDraft,
    TalkTrackDraft,
    TouchDraft,
)
from octave_mcp.domain.prospect import Buyer, Fact, Job, Pain, ProspectAnswer, Signal, Understanding
from octave_mcp.domain.run import PlaybookRequest, RunRecord
from octave_mcp.domain.sentence import Sentence, SentenceKind
from octave_mcp.domain.value import Path as Place
from octave_mcp.domain.value import Value, changed, form_at, located, only, part_at, walk
from octave_mcp.domain.vendor import CaseStudy, Offering, ReferenceCustomer, ValueProposition, VendorAnswer
from octave_mcp.domain.verification import Verification
from octave_mcp.domain.versions import Version
from octave_mcp.errors import SiteRefuses, SiteUnreachable
from octave_mcp.evidence.passages import passages, quotations
from octave_mcp.ports import Memory, Model, RunContext, Source
from octave_mcp.runs.adapters import NO_DEAL, Deal
from octave_mcp.runs.service import Runs
from octave_mcp.settings import Settings
from octave_mcp.sources.html.logos import row_of_logos, without_marks

FETCHED_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
VENDOR, PROSPECT = "lumenforge.example", "quillport.example"

Asked = Ask[Any, Any]
Reply = Callable[[Asked], Awaitable[Value]]


def page(
    url: str,
    text: str,
    *,
    title: str = "",
    kind: PageKind | None = None,
    language: str = "en",
    published_on: date | None = None,
    facts: Sequence[HeadFact] = (),
) -> Page:
    """Return a page that looks as if a real source had fetched it.

    The default title is the first heading. The default page kind is derived from the URL. A line of `text` that starts
    with 'LOGOS ' becomes a row of logos.
    """
    title = title or next((line.strip("# ") for line in text.splitlines() if line.startswith("# ")), "")
    body = without_marks(re.sub("^LOGOS (.*)$", lambda row: row_of_logos([row[1]]), text, flags=re.MULTILINE))
    text, labelled = with_facts(body.text, facts)
    ref = PageRef(
        url=url,
        sha256=sha256(text.encode()).hexdigest(),
        title=title,
        kind=kind or kind_of(url, title),
        language=language,
        fetched_at=FETCHED_AT,
        published_on=published_on,
    )
    site_name = next((fact.value for fact in facts if fact.label == "Site name"), "")
    return Page(ref=ref, text=text, structured=Structured(site_name=site_name), labelled=(*body.logos, *labelled))


def fact(label: str, value: str) -> HeadFact:
    return HeadFact(label=label, where="structured_data", value=value)


def pages(
    domain: str, texts: dict[str, str], *, name: str, language: str = "en", facts: Sequence[HeadFact] = ()
) -> tuple[Page, ...]:
    """Return the pages of a site, given a text for each path.

    The HTML head of the home page contains the site's name and `facts`.
    """
    return tuple(
        page(
            f"https://{domain}{path}",
            text,
            kind="home" if path == "/" else None,
            language=language,
            facts=(fact("Site name", name), *facts) if path == "/" else (),
        )
        for path, text in texts.items()
    )


def passages_of(text: str, url: str = "https://lumenforge.example/", *, title: str = "") -> tuple[Passage, ...]:
    return passages(page(url, text, title=title))


def evidence_of(text: str, url: str = "https://lumenforge.example/", *, title: str = "") -> Evidence:
    """Return the first sentence of a text as evidence."""
    return quotations(Cite(passage=1, sentences=(1,)), passages_of(text, url, title=title), "vendor")[0]


@dataclass
class ScriptedSource:
    """A source of invented sites.

    The source awaits `hold` before each scrape.
    """

    sites: dict[str, tuple[Page, ...]]
    failures: dict[str, PageFailure] = field(default_factory=dict[str, PageFailure])
    refused: frozenset[str] = frozenset()
    hold: Callable[[Site, Sequence[str]], Awaitable[None]] | None = None
    on_close: Callable[[], Awaitable[None]] | None = None
    scraped: list[str] = field(default_factory=list[str])
    closed: int = 0

    credits: int = 0

    def listen(self, on_progress: Callable[[str], None]) -> None:
        """Report no progress."""

    async def open(self, company: Company) -> Company:
        if company.domain in self.refused:
            raise SiteRefuses(f"robots.txt forbids reading {company.domain}")
        if company.domain not in self.sites:
            raise SiteUnreachable(f"{company.url} cannot be read: nothing answers there")
        return company

    async def home(self, company: Company) -> Page:
        home = self._found(company, f"{company.url}/")
        if home is None:
            raise SiteUnreachable(f"{company.url} cannot be read: it has no home page")
        return home

    async def map(self, company: Company, home: Page) -> Site:
        known = {url_key(page.ref.url): page.ref.url for page in self.sites[company.domain]}
        known |= {url_key(url): url for url in self.failures if same_site(url, company)}
        known.pop(url_key(home.ref.url), None)
        return Site(company=company, home=home, links=tuple(Link(url=url) for url in known.values()))

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        self.scraped.extend(urls)
        if self.hold:
            await self.hold(site, urls)
        return await self.read(site.company, urls)

    async def read(self, company: Company, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        return tuple(self._read(company, url) for url in urls)

    def _read(self, company: Company, url: str) -> Page | PageFailure:
        if not same_site(url, company):
            return PageFailure(url=url, code="host_not_allowed", reason=f"The address is not part of {company.domain}")
        if url in self.failures:
            return self.failures[url]
        found = self._found(company, url)
        return found or PageFailure(url=url, code="http_404", reason="The site has no such page")

    def _found(self, company: Company, url: str) -> Page | None:
        return next((p for p in self.sites[company.domain] if url_key(p.ref.url) == url_key(url)), None)

    async def close(self) -> None:
        self.closed += 1
        if self.on_close:
            await self.on_close()


class ScriptedModel:
    """A model that answers with sentences copied from the passages in the ask.

    Tests can set other answers with the method `on`.
    """

    name = identity = "scripted"
    capacity = Capacity(caches_research=False)

    def __init__(self, languages: frozenset[str] | None = None) -> None:
        self.languages = languages
        self.asked: list[Asked] = []
        self.closed = 0
        self._scripts: list[tuple[Callable[[Asked], bool], Reply]] = []

    def estimate(self, max_pages: int) -> Estimate:
        return Estimate(asks=max_pages, input_tokens=100 * max_pages, output_tokens=10, usd=0.001)

    def estimate_verification(self, max_pages: int) -> Estimate:
        return Estimate(asks=1, input_tokens=10 * max_pages, output_tokens=10, usd=0.0)

    def check(self) -> None:
        """Do nothing, because the scripted model needs no setup."""

    def prepare(self) -> None:
        """Do nothing, because the scripted model is always ready."""

    def on(self, matches: Callable[[Asked], bool], reply: Reply) -> None:
        """Use `reply` for all later asks for which `matches` returns true.

        If several replies match an ask, the reply that was added last takes precedence.
        """
        self._scripts.insert(0, (matches, reply))

    def fail(self, matches: Callable[[Asked], bool], *errors: Exception) -> None:
        """Raise one error at each ask for which `matches` returns true, in the given order.

        After the last error, the model answers by its rules again. If only one error is given, it is raised at every
        matching ask.
        """
        left = list(errors)

        async def failing(ask: Asked) -> Value:
            if not left:
                return answered(ask)
            raise left[0] if len(errors) == 1 else left.pop(0)

        self.on(matches, failing)

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        self.asked.append(ask)
        reply = next((reply for matches, reply in self._scripts if matches(ask)), None)
        value = await reply(ask) if reply else answered(ask)
        if ask.patched and not isinstance(value, ask.answer):  # a test can return a complete answer instead of a patch
            value = patch_of(value, ask.complaint, ask.answer)
        return Answer[Any](value=value, usage=Usage(input_tokens=100, output_tokens=10, usd=0.001))

    async def announce(self, ask: Asked) -> None:
        """Do nothing."""

    async def has_answered(self, ask: Asked) -> bool:  # noqa: ARG002 - the port's signature
        return False

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Do nothing."""

    async def close(self) -> None:
        self.closed += 1


def form(kind: type[Value]) -> Callable[[Asked], bool]:
    """Return a function that checks whether an ask requests an answer of this type, or a patch for one."""
    return lambda ask: ask.whole is kind


def shows(path: str, kind: type[Value] | None = None) -> Callable[[Asked], bool]:
    """Return a function that checks whether an ask contains a passage from the page at this path."""
    return lambda ask: (kind is None or ask.whole is kind) and any(p.page.url.endswith(path) for p in ask.passages)


def says(value: Value) -> Reply:
    async def reply(_: Asked) -> Value:
        return value

    return reply


def answered(ask: Asked) -> Value:
    """Return the answer that the model's rules produce.

    If the ask requests a patch, return a complete answer. The caller then extracts the patch with `patch_of`.
    """
    if isinstance(ask.brief, RevisionBrief):
        return _part(ask)
    forms = (form for form in (DealDraft[Cite], PersonaDrafts[Cite]) if _is_part(ask.whole, form))
    rule = _RULES.get(ask.whole) or next((_RULES[form] for form in forms), _part)
    return rule(ask)


def _part(ask: Asked) -> Value:
    """Return one part of a draft, such as an e-mail. Its text differs from the same part of the complete draft.

    The text differs because the rules get the passages in reverse order. If several parts have the right type, use the
    last one.

    Raises:
        LookupError: If no draft contains a part of the requested type.
    """
    brief = SimpleNamespace(prospect=SimpleNamespace(buyer_personas=(SimpleNamespace(id="persona-1"),)), rank=0)
    whole = cast("Asked", SimpleNamespace(passages=ask.passages[::-1], brief=brief, whole=None))
    turned = [_RULES[kind](whole) for kind in DRAFTS]
    holders = [value for draft in turned for value in walk(draft) if _has(value, ask.whole)]
    found = ask.whole.model_validate(_fields(holders[-1], ask.whole))
    return _renumbered(found, len(ask.passages))


def part_form(fields: frozenset[str]) -> type[Value]:
    """Return the type of draft part (for example, an e-mail) that has these field names.

    Raises:
        LookupError: If no part of a draft has these fields.
    """
    forms = list(_forms_in(*DRAFTS))
    exact = [form for form in forms if form.model_fields.keys() == fields]
    holders = [form for form in forms if form.model_fields.keys() > fields]
    return exact[0] if exact else only(holders[0], tuple(holders[0].model_fields.keys() & fields))


def _forms_in(*kinds: Any) -> Iterator[type[Value]]:  # noqa: ANN401 - types
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Value):
            yield kind
            yield from _forms_in(*(field.annotation for field in kind.model_fields.values()))
        else:
            yield from _forms_in(*get_args(kind))


def _has(value: Value, form: type[Value]) -> bool:
    try:
        form.model_validate(_fields(value, form))
    except (AttributeError, LookupError, ValidationError):
        return False
    return True


def _fields(value: Value, form: type[Value]) -> dict[str, Any]:
    """Return the fields of the value that also exist in the type `form`.

    If `form` has a single field with one entry, but the value has a list in this field, use the last entry of the list.
    """
    found = value.model_dump(mode="json")
    if form.model_fields.keys() < found.keys() and len(form.model_fields) == 1:
        (name, field) = next(iter(form.model_fields.items()))
        is_entry = isinstance(found[name], list) and get_origin(field.annotation) is not tuple
        return {name: found[name][-1] if is_entry else found[name]}
    return {name: found[name] for name in form.model_fields}


def _renumbered(value: Value, count: int) -> Value:
    """Convert passage numbers from the reversed list of passages to the original list."""
    cites = {at: part for at, part in located(value) if isinstance(part, Cite)}
    return changed(
        value, {at: Cite(passage=count + 1 - cite.passage, sentences=cite.sentences) for at, cite in cites.items()}
    )


def _is_part(form: type[Value], whole: type[Value]) -> bool:
    return form.model_fields.keys() <= whole.model_fields.keys()


_FIX = re.compile(r"^(fix_\d+)(?: replaces|:) ([\w.\[\]]+)", re.MULTILINE)


def paths_in(complaint: str) -> dict[str, str]:
    """Map each replacement in the complaint, such as 'fix_1', to the path of the entry that it replaces."""
    return dict(_FIX.findall(complaint))


def places_in(complaint: str, whole: type[Value]) -> dict[str, Place]:
    """Map each replacement, such as 'fix_1', to the location of the replaced entry: a tuple of keys and indexes.

    Raises:
        KeyError, AttributeError: If answers of this type have no entry at one of the locations.
    """
    found: dict[str, Place] = {}
    for name, path in _FIX.findall(complaint):
        place: Place = tuple(int(step) if step.isdigit() else step for step in re.findall(r"\w+", path))
        holder = form_at(whole, place[:-1])
        # A patch replaces the whole finding, not only its text.
        is_text = form_at(whole, place) is str and isinstance(holder, type) and issubclass(holder, Finding)
        found[name] = place[:-1] if is_text else place
    return found


def patch_of(value: Value, complaint: str, patch: type[Value]) -> Value:
    """Return the patch that the complaint asks for, with the entries taken from `value`.

    If `value` lacks an entry, the entry is null in the patch.
    """
    places = places_in(complaint, type(value))
    return patch.model_validate({name: part_at(value, place) for name, place in places.items()})


@dataclass(frozen=True)
class _Line:
    """A sentence in the ask, and the citation of this sentence."""

    text: str
    cite: Cite
    passage: Passage


def _lines(shown: Sequence[Passage]) -> Iterator[_Line]:
    for at, passage in enumerate(shown, 1):
        for number in range(1, len(passage.sentences) + 1):
            yield _Line(passage.sentence(number), Cite(passage=at, sentences=(number,)), passage)


def _homepage(ask: Asked) -> HomepageAnswer[Cite]:
    lines = list(_lines(ask.passages))
    named = next((line for line in lines if line.passage.label == "Site name"), None)
    name = Claim[Cite](text=named.text, evidence=(named.cite,)) if named else None
    first = lines[0] if lines else None
    return HomepageAnswer[Cite](
        name=name, summary=Claim[Cite](text=first.text, evidence=(first.cite,)) if first else None
    )


def _vendor(ask: Asked) -> VendorAnswer[Cite]:
    lines = list(_lines(ask.passages))
    story_lines = [line for line in lines if line.passage.page.kind == "case_study"]
    return VendorAnswer[Cite](
        offerings=tuple(
            Offering[Cite](
                name=line.passage.heading or line.text,
                kind="product",
                description=line.text,
                pricing=(),
                evidence=(line.cite,),
            )
            for line in lines
            if line.passage.page.kind == "product" and line.text.endswith(".")
        ),
        case_studies=tuple(_stories(story_lines)),
        proof_points=(),
        value_propositions=tuple(
            ValueProposition[Cite](title=line.text, text=line.text, evidence=(line.cite,))
            for line in lines
            if line.passage.page.kind == "home" and line.text.endswith(".")
        ),
        reference_customers=tuple(
            ReferenceCustomer[Cite](name=line.text, shown_as="logo", industry=None, evidence=(line.cite,))
            for line in lines
            if line.passage.page.kind == "customers" and line.passage.heading == "Logos" and line.text != "Logos"
        ),
        use_cases=(),
        target_personas=(),
        differentiators=(),
        triggers=(),
        people=(),
        integrations=(),
    )


def _stories(lines: Sequence[_Line]) -> Iterator[CaseStudy[Cite]]:
    """Yield one case study per page.

    The customer's name is the first word of the page title. The case study's results are the sentences that contain
    figures.
    """
    for url in dict.fromkeys(line.passage.page.url for line in lines):
        own = [line for line in lines if line.passage.page.url == url]
        yield CaseStudy[Cite](
            customer=own[0].passage.page.title.split()[0],
            headline=own[0].text,
            industry=None,
            challenge=None,
            solution=None,
            results=tuple(
                Claim[Cite](text=li.text, evidence=(li.cite,)) for li in own[1:] if re.search(r"\d", li.text)
            ),
            evidence=(own[0].cite,),
        )


def _prospect(ask: Asked) -> ProspectAnswer[Cite]:
    lines = [line for line in _lines(ask.passages) if line.text.endswith(".")]
    return ProspectAnswer[Cite](
        facts=tuple(Fact[Cite](topic="business", text=line.text, evidence=(line.cite,)) for line in lines),
        signals=tuple(
            Signal[Cite](need="speed", text=line.text, stated=True, evidence=(line.cite,))
            for line in lines
            if "slow" in line.text
        ),
        jobs=tuple(
            Job[Cite](title=line.text.rstrip("."), function="engineering", evidence=(line.cite,))
            for line in lines
            if line.passage.page.kind == "careers" and line.text.startswith("Head of")
        ),
        triggers=(),
        people=(),
        integrations=(),
    )


def _understanding(ask: Asked) -> Understanding[Cite]:
    lines = list(_lines(ask.passages))
    cites = {line.text: line.cite for line in lines}
    prospect_findings = ask.brief.reading
    return Understanding[Cite](
        summary=Claim[Cite](text=lines[0].text, evidence=(lines[0].cite,)) if lines else None,
        pains=tuple(
            Pain[Cite](need=s.need, title=s.text, text=s.text, stated=True, evidence=(cites[s.text],))
            for s in prospect_findings.signals
            if s.text in cites
        ),
        buyers=tuple(
            Buyer[Cite](
                title=job.title,
                contact=None,
                function=job.function,
                why_they_care=job.title,
                inferred=False,
                evidence=(cites[f"{job.title}."],),
            )
            for job in prospect_findings.jobs
            if f"{job.title}." in cites
        ),
    )


def say(line: _Line, kind: SentenceKind = "fact") -> Sentence[Cite]:
    return Sentence[Cite](text=line.text, kind=kind, evidence=(line.cite,))


def _shown(ask: Asked, count: int, start: int = 0) -> tuple[Sentence[Cite], ...]:
    """Return `count` sentences of the ask, starting at the index `start`.

    After the last sentence of the ask, continue with its first sentence.
    """
    lines = [line for line in _lines(ask.passages) if line.text.endswith(".")] or list(_lines(ask.passages))
    return tuple(say(lines[(start + at) % len(lines)]) for at in range(count))


def _summary(ask: Asked) -> SummaryDraft[Cite]:
    return SummaryDraft[Cite](
        executive_summary=ExecutiveSummary[Cite](
            whom_to_approach=_shown(ask, 1), why_now=_shown(ask, 1, 1), how_to_engage=_shown(ask, 1, 2)
        ),
        personas=tuple(
            PersonaPoints[Cite](
                persona_id=p.id,
                goals=_shown(ask, 1),
                pains=_shown(ask, 1, 1),
                talking_points=_shown(ask, 1, 2),
                will_ask=("how long does it take?",),
                cautions=(Caution[Cite](avoid="do not say fast", because=_shown(ask, 1)[0]),),
            )
            for p in ask.brief.prospect.buyer_personas
        ),
        quick_wins=tuple(QuickWin[Cite](action="call", because=because) for because in _shown(ask, 5)),
        trigger_meanings=_shown(ask, 1, 1),
        committee=(Seat[Cite](seat="champion", person=None, title="", how_known="missing", evidence=()),),
        reasons_against=_shown(ask, 1),
        when_not_to_sell="walk away if nobody asks",
        success_metrics=(SuccessMetric(name="replies", how_to_measure="replies over messages sent"),),
        trial_plan=("try one plan",),
    )


def touch(
    *sentences: Sentence[Cite], subject: str = "a thought", ask: str = "Worth a look?", opt_out: str | None = None
) -> TouchDraft[Cite]:
    return TouchDraft[Cite](
        subject=subject,
        paragraphs=(sentences,),
        call_to_action=CallToAction(label="interest", text=ask),
        opt_out=opt_out,
        second_opening=(),
        make_first=None,
        personalisation=(),
    )


# The calls to action, one for each touch. None of them breaks a rule: the checks accept an e-mail that consists of
# quotations and one of these texts.
_ASKS = (
    "Who of your people at {{company_name}} gave it a thought first?",
    "Would your people at {{company_name}} give more light a thought, even where nobody asks for more light?",
    "Shall I draw up a page with a first thought for you and your people at {{company_name}}?",
    "If you at {{company_name}} never give it a thought, a short no is enough.",
)


def _sequence(ask: Asked, rank: int | None = None) -> SequenceDraft[Cite]:
    at = (ask.brief.rank if rank is None else rank) * 4
    return SequenceDraft[Cite](
        touches=tuple(touch(*_shown(ask, 2, at + number), ask=text) for number, text in enumerate(_ASKS))
    )


def _talk_track(ask: Asked, rank: int | None = None) -> TalkTrackDraft[Cite]:
    first, second = _shown(ask, 2, ask.brief.rank if rank is None else rank)
    return TalkTrackDraft[Cite](
        pitch=(first,),
        cold_call=ColdCall[Cite](
            opener=(first,), value=(second,), ask="worth a talk?", if_not_now="when would be better?"
        ),
        brush_offs=(BrushOff(they_say="not_me", reply="who would it be?"),),
        voicemail=(first,),
        close="shall we look at it together?",
        next_step="send the plan",
        discovery=tuple(
            DiscoveryQuestion(
                question="how do you do it today?", uncovers="situation", purpose="the present", follow_ups=()
            )
            for _ in range(8)
        ),
        demo_points=(DemoPoint[Cite](show="the editor", because=second),),
        value_map=(ValueMapRow[Cite](capability=first, pain=second),),
    )


def _objections(ask: Asked) -> ObjectionHandling[Cite]:
    return ObjectionHandling[Cite](
        kind="objection_handling",
        objections=(
            Objection[Cite](
                category="price",
                objection="too dear",
                answer=_shown(ask, 1),
                no_proof_yet=False,
                ask="compared with what?",
            ),
        ),
    )


def _deal(ask: Asked) -> DealDraft[Cite]:
    forms: dict[str, type[Value]] = {
        "summary": SummaryDraft[Cite],
        "why_we_win": WhyWeWin[Cite],
        "objection_handling": ObjectionHandling[Cite],
        "competitive_positioning": CompetitivePositioning[Cite],
    }
    return DealDraft[Cite].model_validate({name: _RULES[form](ask) for name, form in forms.items()})


def _personas(ask: Asked) -> PersonaDrafts[Cite]:
    """Return drafts for every persona.

    Each persona's draft contains different sentences, which depend on the rank of the persona.
    """
    count = len(PersonaDrafts.model_fields)
    return PersonaDrafts[Cite].model_validate(
        {
            f"persona_{rank + 1}": {"sequence": _sequence(ask, rank), "talk_track": _talk_track(ask, rank)}
            for rank in range(count)
        }
    )


DRAFTS = (
    SummaryDraft[Cite],
    WhyWeWin[Cite],
    ObjectionHandling[Cite],
    CompetitivePositioning[Cite],
    TalkTrackDraft[Cite],
    SequenceDraft[Cite],
)
_RULES: dict[type[Value], Callable[[Asked], Value]] = {
    AddressesAnswer: lambda _: AddressesAnswer(chosen=()),
    HomepageAnswer[Cite]: _homepage,
    VendorAnswer[Cite]: _vendor,
    ProspectAnswer[Cite]: _prospect,
    Understanding[Cite]: _understanding,
    SummaryDraft[Cite]: _summary,
    SequenceDraft[Cite]: _sequence,
    TalkTrackDraft[Cite]: _talk_track,
    WhyWeWin[Cite]: lambda ask: WhyWeWin[Cite](kind="why_we_win", reasons=_shown(ask, 2), proof=_shown(ask, 1, 2)),
    ObjectionHandling[Cite]: _objections,
    CompetitivePositioning[Cite]: lambda _: CompetitivePositioning[Cite](
        kind="competitive_positioning", rivals=(), where_they_win_note="none found"
    ),
    DealDraft[Cite]: _deal,
    PersonaDrafts[Cite]: _personas,
    Verification: lambda ask: Verification(supported=tuple(range(1, len(ask.brief.claims) + 1)), others=()),
}


VENDOR_TEXTS = {
    "/": """# Light for every workshop

Lumenforge plans the lamps of a workshop in an afternoon. Crews see where shadows fall before they drill.""",
    "/customers": """# Customers

Workshops of all sizes plan with us.

## Logos

- Brassmere
- Tidewell""",
    "/customers/brassmere": """# Brassmere cut rework by 31% with Lumenforge

Brassmere had drilled twice for every third lamp. After 6 weeks rework was down by 31%.""",
    "/customers/tidewell": """# Tidewell lit 14 halls in one summer

Tidewell planned 14 halls with 3 people. Nobody worked at night.""",
    "/pricing": "# Pricing\n\nA plan costs $49 per hall. There is no fee for people.",
    "/product/planner": """# Planner

The planner draws the light of a hall from its floor plan. It names every lamp that is missing.""",
    "/product/audit": "# Audit\n\nThe audit measures a hall that is lit already. It takes one evening.",
    "/about": "# About\n\nLumenforge was founded in 2019 by two electricians. The team has 42 people.",
    "/security": "# Security\n\nFloor plans are stored encrypted. They are deleted after 90 days.",
}
PROSPECT_TEXTS = {
    "/": """# Ships are built here

Quillport builds and repairs ferries in two yards. Our customers sail on every coast of the north.""",
    "/about": "# About Quillport\n\nQuillport has 380 people in two yards. The older yard is from 1961.",
    "/careers": """# Careers

- Head of Facilities.
- Head of Operations.
- Head of Safety.

Work at night is slow and we want less of it.""",
    "/news/new-hall": """# Quillport opens a new hall

The hall has room for 3 ferries. Moving in was slow because the lamps came late.""",
    "/news/first-electric-ferry": "# The first electric ferry\n\nThe ferry left the yard in May. It runs for 9 hours.",
    "/products/ferries": "# Ferries\n\nWe build ferries for 40 to 900 guests. A hull takes 7 months.",
    "/products/repair": "# Repair\n\nA repair takes 5 days in the dry dock. We work in three shifts.",
}


def invented_sites() -> dict[str, tuple[Page, ...]]:
    return {
        VENDOR: pages(VENDOR, VENDOR_TEXTS, name="Lumenforge"),
        PROSPECT: pages(PROSPECT, PROSPECT_TEXTS, name="Quillport"),
    }


class NoNotes:
    """A `Memory` that stores nothing, for tests that need no cache."""

    async def put_value(self, key: str, text: str, *, run_id: str = "") -> None:
        """Store nothing."""

    async def get_value(self, key: str, *, since: datetime) -> str | None:  # noqa: ARG002 - the port's signature
        return None

    async def cached(self, keys: Sequence[str], *, since: datetime | None = None) -> dict[str, CacheEntry]:  # noqa: ARG002 - the port's signature
        return {}

    async def lease(self, keys: Sequence[str], owner: str, *, seconds: float) -> frozenset[str]:  # noqa: ARG002 - the port's signature
        return frozenset(keys)

    async def put_cached(
        self, copies: Mapping[str, CacheEntry], *, owner: str, leased: Sequence[str], run_id: str = ""
    ) -> None:
        """Store nothing."""

    async def use_cached(self, keys: Sequence[str], run_id: str) -> None:
        """Store nothing."""


# A fixture closes the stores of these applications at the end of each test.
OPENED: list[Stage] = []


class Stage(App):
    """The application with the test's own model and source, which are both named 'scripted'.

    `events`: the events of all runs of this application.
    """

    def __init__(
        self,
        home: Path,
        *,
        model: Model | None = None,
        source: Source | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.events: list[Event] = []
        self._ended: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        super().__init__(settings or Settings.model_validate({"home": home}), (self._record,), engine="inline")
        self._opened = False
        self.scripted = model or ScriptedModel()
        self.site_source = source or ScriptedSource(invented_sites())

    def _record(self, event: Event) -> None:
        self.events.append(event)
        if event.event == "run_finished":
            self._ended[event.run_id].set()

    async def opened(self) -> Runs:
        if not self._opened:
            self._opened = True
            await self.runs.open()
            OPENED.append(self)
        return self.runs

    def model(self, name: str, context: RunContext | None = None, deal: Deal = NO_DEAL) -> Model:
        return self.scripted if name == "scripted" else super().model(name, context, deal)

    def model_name(self, name: str) -> str | None:
        return name if name == "scripted" else super().model_name(name)

    def source_name(self, name: str) -> str:
        return name if name == "scripted" else super().source_name(name)

    def source(self, name: str, *, refresh: bool = False, run_id: str = "", memory: Memory | None = None) -> Source:
        if name == "scripted":
            return self.site_source
        return super().source(name, refresh=refresh, run_id=run_id, memory=memory)

    async def run(self, **request: Any) -> tuple[RunRecord, Playbook | None]:  # noqa: ANN401 - fields of the request
        record = await (await self.opened()).start(asked_for(**request))
        return await self.end_of(record.run_id)

    async def end_of(self, run_id: str) -> tuple[RunRecord, Playbook | None]:
        """Wait without a timeout until the run has ended in this process, and return its record and playbook."""
        await self._ended[run_id].wait()
        return await self.runs.get(run_id), await self.runs.playbook(run_id)

    async def playbook(self, **request: Any) -> Playbook:  # noqa: ANN401 - fields of the request
        record, playbook = await self.run(**request)
        assert playbook, record.error
        return playbook


@dataclass(frozen=True)
class Written:
    """A completed run with its playbook and asks.

    The run's store is closed, so tests can use only the data in this object.
    """

    stage: Stage
    record: RunRecord
    version: Version
    texts: dict[str, str | None]
    """Stored texts of the pages that the playbook quotes, by their SHA-256 digests."""

    @property
    def playbook(self) -> Playbook:
        return self.version.playbook

    @property
    def asked(self) -> list[Asked]:
        assert isinstance(self.stage.scripted, ScriptedModel)
        return self.stage.scripted.asked

    @property
    def one_of_each(self) -> list[Asked]:
        """Return one ask for each type of answer, ignoring corrections."""
        return list({ask.answer: ask for ask in self.asked if not ask.patched}.values())

    @property
    def scraped(self) -> list[str]:
        assert isinstance(self.stage.site_source, ScriptedSource)
        return self.stage.site_source.scraped


def codes(playbook: Playbook | None) -> set[str]:
    return {gap.code for gap in playbook.gaps} if playbook else set()


async def written(stage: Stage, **request: Any) -> Written:  # noqa: ANN401 - fields of the request
    record, playbook = await stage.run(**request)
    assert playbook, record.error
    quoted = {evidence.page_sha256 for evidence in playbook.evidence.values()}
    texts = {sha256: await stage.store.page_text(sha256) for sha256 in quoted}
    version = await stage.store.get_version(record.run_id)
    assert version
    await stage.runs.close()
    return Written(stage, record, version, texts)


def asked_for(**request: Any) -> PlaybookRequest:  # noqa: ANN401 - fields of the request
    return PlaybookRequest.model_validate(
        {"vendor": VENDOR, "prospect": PROSPECT, "model": "scripted", "source": "scripted", **request}
    )


def parts_of(value: object) -> Iterator[Value]:
    if isinstance(value, Value):
        yield value
        for name in type(value).model_fields:
            yield from parts_of(getattr(value, name))
    elif isinstance(value, dict):
        yield from parts_of(tuple(cast("dict[str, object]", value).values()))
    elif isinstance(value, tuple):
        for part in cast("tuple[object, ...]", value):
            yield from parts_of(part)
