"""Collects facts by topic, sentences that signal a need, and open jobs from a prospect's pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.names import normal
from octave_mcp.domain.prospect import Fact, FactTopic, Job, JobFunction, Signal
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.attribution import is_of_another, is_own_subject, own_lines
from octave_mcp.models.extractive.events import CLOSED
from octave_mcp.models.extractive.factual_statements import defines
from octave_mcp.models.extractive.logo_walls import is_of_customers
from octave_mcp.models.extractive.names import (
    customer_in_headline,
    customer_of_story,
    speaks_of,
)
from octave_mcp.models.extractive.quoting import stands_alone, without_lead
from octave_mcp.models.extractive.topics import LABEL_WORDS, topics
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, Section, cells

MAX_TITLE_WORDS = 7
_FACT_KINDS = frozenset(
    {
        "home",
        "about",
        "careers",
        "news",
        "blog",
        "product",
        "pricing",
        "security",
        "customers",
        "persona",
        "integrations",
        "faq",
        "other",
        "docs",
    }
)
_SIGNAL_KINDS = frozenset({"home", "about", "careers", "news", "blog", "other"})
_OPEN_ROLES = re.compile(r"position|open role|opening|vacanc|we(?:'|’)re hiring|current roles|jobs|招聘", re.IGNORECASE)
_NEED_CUE = re.compile(
    r"\b(?:we (?:want|need|plan|aim|are (?:growing|hiring|building|working|looking|moving|opening)|had to|"
    r"could not|couldn't|couldn’t|did not|"
    r"struggled|missed|lost|spend (?:too|\w+ (?:hours|days))|are expanding|will (?:open|hire|launch|double|move))|"
    r"our (?:goal|plan|focus|priority|challenge|growth|"
    r"biggest|target)|went wrong|too (?:many|much|slow|late|long)|not enough|growing \d|accelerating|"
    r"as we (?:grow|scale)|by hand|manually|manual (?:work|process\w*|steps?)|"
    r"spreadsheets?|(?:our|the|a|biggest|main|real|key|these|many|such) (?:\w+ )?(?:problems?|challenges?|"
    r"bottlenecks?) (?:\w+ )?(?:is|are|was|were|we)|"
    r"fac(?:e|ed|ing)|struggl\w+|mistakes? we|outage|complain(?:ed|ts))\b",
    re.IGNORECASE,
)
# Excludes advice to readers and remarks about the text itself, because they show no need: "you can", "in this post".
_NO_NEED = re.compile(
    r"\b(?:you can|would(?:n['’]t| not)|we detailed|we['’]ll detail|in this post|to comply)\b", re.IGNORECASE
)
# If the sentence names a problem ("we had to do it by hand"), the need counts as stated. On about, careers and news
# pages, a match of `_TROUBLE` is also enough. Otherwise, the need counts as inferred.
_STATES_PROBLEM = re.compile(
    r"\b(?:we need|had to|could not|couldn['’]t|struggl\w+|missed|lost|went wrong|too (?:many|much|slow|late|long)|"
    r"not enough|by hand|manual\w*|spreadsheets?|headaches?|problems?|challenges?|issues?|mistakes?|failed|outage|"
    r"complain\w*|late|we want)\b",
    re.IGNORECASE,
)
# Headings of sections about customers, investors, the press or applicants. Such sections rarely describe the company's
# own situation.
_HEADING_OF_OTHERS = re.compile(
    r"invest|angel|press|customer stor|case stud|stay on the forefront|testimonial|interview|"
    r"application process|benefits|perks",
    re.IGNORECASE,
)
_STORY = re.compile(
    r"\b(?:story|history|origins?|beginnings?|journey|timeline|milestones?|"
    r"how (?:it|we|\w+) (?:all )?(?:began|started)|why we (?:started|founded|built))\b",
    re.IGNORECASE,
)
_RECENT = re.compile(
    r"\b(?:last|this) (?:winter|spring|summer|autumn|fall|week|month|quarter|year)|recently\b", re.IGNORECASE
)
# Matches sales talk about the market, which does not show a need of the company: "Many teams struggle with
# spreadsheets".
_MARKET_CLAIM = re.compile(
    r"\b(?:many|most|other|some|countless|all|modern|today['’]s)\s+(?:\w+\s+)?(?:engineers|developers|teams|companies|"
    r"businesses|people|users|founders|organi[sz]ations|startups|marketers|managers|enterprises|retailers|brands|"
    r"leaders)\b"
    r"[^.,;]{0,200}\b(?:struggl\w+|needs?|want|face|lack|suffer|waste|spend|lose|miss|fail|cannot|can['’]t|"
    r"have to|find it|rely)\b",
    re.IGNORECASE,
)
# Words of trouble. On pages where a company writes about itself, a sentence about trouble shows a need even without the
# word "we": "two vans were late".
_TROUBLE = re.compile(
    r"\b(?:missed|by hand|spreadsheets?|went wrong|too (?:many|slow|long|late)|not scale|complain\w*|"
    r"headaches?|struggl\w+|(?:were|paid|days) late|lost|failed|took too|for nothing|false alarms?|overtime|"
    r"ran out|could not|ask where|told us)\b",
    re.IGNORECASE,
)
# Words of headings on a careers page that are usually not job titles: "Join our team", "Interview process".
_NO_JOB = re.compile(
    r"^(?:we|our|you|your|join|meet|life|the|to|be|it|a|an)\b|interview|process|benefit|values|budget|development|"
    r"why|how",
    re.IGNORECASE,
)
_MAX_FACTS_PER_TOPIC = 14
_MIN_DESCRIPTION_CHARACTERS = 12
# Characters that are typical of source code. A line that contains them and is not in English is probably source code.
_CODE = re.compile(r"[;{}=<>]|:::")
# Metadata whose value says little without its label: "Founded: 2016".
_HISTORY_LABELS = frozenset({"Founded", "Founders"})


def facts(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    """Yield statements about the company from sentences, list items and metadata.

    Each page yields only a few statements per topic.
    """
    for page in pages:
        counts: dict[FactTopic, int] = {}
        for line in (*own_lines(page, company), *page.head):
            topic = _topic(line, page, company)
            if topic and not (topic == "hiring" and is_over(page)) and counts.get(topic, 0) < _MAX_FACTS_PER_TOPIC:
                counts[topic] = counts.get(topic, 0) + 1
                text = f"{line.label}: {line.text}" if line.label in _HISTORY_LABELS else line.text
                yield Fact[Cite](topic=topic, text=text, evidence=(line.cite,))


def bought_by(pages: Sequence[ReadPage], company: str, counterpart: str) -> Iterator[Fact[Cite]]:
    """Yield this company's case studies about `counterpart`, which is the other company of the deal."""
    counterpart_name = _compact(counterpart.split(".", maxsplit=1)[0])
    for page in pages:
        story = customer_of_story(page, company) if page.page.kind == "case_study" else None
        if story and page.headline and _compact(story[0]) == counterpart_name:
            cites = tuple(dict.fromkeys((page.headline.cite, story[1].cite)))
            yield Fact[Cite](topic="customers", text=page.headline.text, evidence=cites)


def _compact(name: str) -> str:
    return re.sub(r"[\W_]", "", normal(name))


def _topic(line: Line, page: ReadPage, company: str) -> FactTopic | None:
    if line.form in {"quote", "attribution", "heading"} or page.page.kind not in _FACT_KINDS or _is_chrome(line):
        return None
    if line.form == "fact":
        return _topic_of_metadata(line, page)
    if line.form == "logos":
        return "customers" if is_of_customers(line) else None
    if page.page.kind == "careers" and line.form == "item" and _OPEN_ROLES.search(line.heading):
        return "hiring" if _job(_job_title(line), line) else None
    if line.form == "row":
        priced = page.page.kind == "pricing" and cues.FACTS["pricing"].search(line.text) and len(cells(line)) > 1
        return "pricing" if priced else None
    return _stated(line, page, company)


def _stated(line: Line, page: ReadPage, company: str) -> FactTopic | None:
    is_label = line.form == "item" and 3 <= len(line.text.split()) <= 45
    is_foreign = not line.english and page.page.kind != "docs" and len(line.text) >= 12 and not _CODE.search(line.text)
    is_clear = stands_alone(without_lead(line.text)) and not line.text.endswith(("?", "?”", '?"', '?".'))
    if not ((line.is_whole and is_clear) or is_label or is_foreign) or not _is_about_company(line, page, company):
        return None
    return next(topics(line, page, company), None)


def _topic_of_metadata(line: Line, page: ReadPage) -> FactTopic | None:
    if page.page.kind == "home" and line.label == "Description":
        return (
            "business"
            if len(line.text) >= _MIN_DESCRIPTION_CHARACTERS and (not line.english or defines(line.text))
            else None
        )
    return "history" if line.label in _HISTORY_LABELS else None


def _is_about_company(line: Line, page: ReadPage, company: str) -> bool:
    """Whether the line is about the company that owns the page.

    On blogs and similar pages, the company must be the grammatical subject.
    """
    if is_of_another(line.text, company):
        return False
    if page.page.kind in {"blog", "docs", "faq", "news", "other", "about", "careers"} and line.english:
        is_price = line.form == "item" and bool(re.search(r"[$€£¥]\s?\d.{0,200}\bper\b", line.text))
        return is_own_subject(without_lead(line.text), company) or _is_figure(line) or is_price
    return not _HEADING_OF_OTHERS.search(line.heading) and customer_in_headline(line.heading, company) is None


def _is_figure(line: Line) -> bool:
    """Whether the line is a label with a figure on a page about the company: '12 offices in 9 countries'."""
    return line.page.kind in {"about", "careers"} and line.text[:1].isdigit() and len(line.text.split()) <= LABEL_WORDS


def _is_chrome(line: Line) -> bool:
    return bool(cues.STALE_OFFER.search(line.text)) and len(line.text.split()) < 12


def signals(pages: Sequence[ReadPage], company: str) -> Iterator[Signal[Cite]]:
    """Yield sentences that state or show a need of the company."""
    for page in pages:
        if page.page.kind not in _SIGNAL_KINDS:
            continue
        prose = {*page.prose}
        for line in own_lines(page, company):
            if line not in prose or re.match(r"you\b", line.text, re.IGNORECASE):
                continue
            is_frank = page.page.kind in {"about", "careers", "news"} and _TROUBLE.search(line.text)
            is_own = (
                (speaks_of(line.text, company) or is_frank)
                and stands_alone(without_lead(line.text))
                and not _HEADING_OF_OTHERS.search(line.heading)
                and not is_of_another(line.text, company)
                and not _is_history(line, page)
                and not _MARKET_CLAIM.search(line.text)
                and not _NO_NEED.search(line.text)
            )
            if (
                line.is_whole
                and is_own
                and not line.text.endswith(("?", "?”", '?"', '?".'))
                and (is_frank or _NEED_CUE.search(line.text))
                and not _is_chrome(line)
                and (need := cues.need_of(line.text))
            ):
                stated = bool(is_frank or _STATES_PROBLEM.search(line.text))
                yield Signal[Cite](need=need, text=line.text, stated=stated, evidence=(line.cite,))


def _is_history(line: Line, page: ReadPage) -> bool:
    """Whether the line is about the company's early days, which say nothing about its current needs."""
    under = line.heading or page.page.title
    tells_story = _STORY.search(under) and cues.PAST.search(line.text) and not _RECENT.search(line.text)
    return bool(tells_story or cues.FOUNDING.search(line.text))


def is_over(page: ReadPage) -> bool:
    """Whether the page says that the jobs are filled or that the company hires nobody."""
    return any(CLOSED.search(line.text) for line in page.lines)


def jobs(pages: Sequence[ReadPage]) -> Iterator[Job[Cite]]:
    for page in pages:
        for section in page.sections if page.page.kind == "careers" and not is_over(page) else ():
            yield from _jobs_in(section)


def _jobs_in(section: Section) -> Iterator[Job[Cite]]:
    if _OPEN_ROLES.search(section.title):
        for line in section.lines:
            if line.form == "item" and (job := _job(_job_title(line), line)):
                yield job
    elif section.heading and section.lines and 1 < len(section.title.split()) <= 6:
        job = (
            None
            if _NO_JOB.search(section.title) or not cues.JOB.search(section.title)
            else _job(section.title, section.heading)
        )
        yield from (job,) if job else ()


def _job_title(line: Line) -> str:
    """Remove a team or place at the end of a job title: 'Account Executive - EMEA' becomes 'Account Executive'."""
    return re.split(r"\s+[—–|·(]\s*|\s+-\s+|:\s", line.text)[0]


def _job(title: str, line: Line) -> Job[Cite] | None:
    plain, function = job_title(title)
    return Job[Cite](title=plain, function=function, evidence=(line.cite,)) if function else None


def job_title(title: str) -> tuple[str, JobFunction | None]:
    """Return the title without the punctuation around it, and the department that the title belongs to.

    The department is None if the text is not a job title.
    """
    plain = title.strip(" .,;")
    is_title = len(plain.split()) <= MAX_TITLE_WORDS and plain[:1].isupper()
    return plain, (cues.function_of(plain.split(", ")[0]) or cues.function_of(plain)) if is_title else None
