"""Facts under the topic that is certain; one whose topic nobody could be sure of is left out. English."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.prospect import Fact, FactTopic
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.events import event
from octave_mcp.models.extractive.headings import is_imperative
from octave_mcp.models.extractive.quoting import stands_alone
from octave_mcp.models.extractive.reading import Line, ReadPage
from octave_mcp.models.extractive.tools import tools_in
from octave_mcp.models.extractive.voices import is_own_subject, short_name

_I = re.IGNORECASE
_NOT_ON_OFFER = re.compile(
    r"/(?:[\w-]*-)?(?:trademarks?|brand|media-?kit|press-?kit|legal|terms|imprint|licen[cs]es?|contributing|"
    r"contribut(?:e|ors)|code-of-conduct|code-style|threat-model|conf(?:erence|info)?|conference-program|schedule|"
    r"agenda|meet-?ups?|webinars?|enterprise-day|hackathon|summit|workshops?)(?:[-/]|$)",
    _I,
)
"""Addresses of pages that say what is allowed, or where and when something takes place."""
_OF_OTHERS = re.compile(
    r"/(?:[\w-]*-)?(?:partners?\d*|resellers?|members|portfolio|directory|marketplace|showcase|sponsors|investors)"
    r"(?:/|$)",
    _I,
)
"""Addresses of pages on which others describe themselves."""
_TEACHES = re.compile(r"/(?:glossary|dictionary|encyclopedia|wiki|learn|learning|tutorials?)(?:/|$)", _I)
"""Addresses of pages that explain what anybody does."""
_IN_TUTORIAL = re.compile(
    r"\b(?:file|query|fragment|(?:previous|next) step|method|expression|component|directory|\.\w{2,4}|time slots?|"
    r"abstraction|environment where|conversation)\b|^(?:at that time|in the v|in v\d|earlier|underneath|here|"
    r"after some)\b|^we landed\b",
    _I,
)
_IS_PLAN = re.compile(
    r"\blaunch week\b|"
    r"\b(?:are|['’]re|is) (?:now |also |currently )?(?:working on|building|adding|launching|planning|expanding|opening|"
    r"introducing|rolling out)\b|\bplans? to\b|\bwill (?:also |soon )?(?:launch|release|offer|open|add|introduce)\b",
    _I,
)
_USES = re.compile(
    r"\bwe(?:['’]re)? (?:\w+ )?(?:use|run|running|rely on|host|deploy|operate|write|"
    r"chose|built|migrated|moved|have)\b|"
    r"\b(?:built|based|runs?|written|powered|hosted|deployed|uses?)\b",
    _I,
)
_NO_USE = re.compile(r"\b(?:we can|could|learned|customers?|because|recently had)\b", _I)
_NO_HIRING = re.compile(
    r"\blooking for (?:the |an? )?(?:\w+ ){0,2}(?:ways?|feedback|"
    r"solutions?|ideas|opportunit\w+)\b",
    _I,
)
_ENDED = re.compile(
    r"\b(?:this|the|our) (?:project|product|program(?:me)?|service|plugin|tool|app|offer|page|position)\b[^.]{0,30}"
    r"\b(?:has|have|is|was|been)\b[^.]{0,20}\b(?:ended|discontinued|retired|sunset|shut down|archived|deprecated|"
    r"unmaintained|sold out|no longer (?:available|sold|supported|maintained|offered))\b",
    _I,
)
_MOST_OF_NOTICE = 25
_LOGISTICS = re.compile(
    r"\b(?:hacking )?rooms?:|\bregistration\b|"
    r"\bin the schedule\b|\bdo not go beyond\b|"
    r"\bdocker (?:ps|run|images|pull)\b|\bsudo \w|\b(?:apt(?:-get)?|npm|pip|brew|helm|snap) install\b|"
    r"\bI (?:have read|agree)\b|\bterms and conditions\b|"
    r"',? \w+: '|\border now\b|^how to\b|\blist of links\b|\bbut do not\b|`",
    _I,
)
"""Where to be, what to type, what to accept."""
_PUFF = re.compile(
    r"\b(?:amazing|awesome|a breeze|perfect (?:solution|choice|fit|way)|the perfect|packed with|come a long way|"
    r"(?:different|fresh|new) approach|built differently|plenty of|tons of|a bunch of|and so much more|symbiotic|"
    r"quite easily|make your life|much simpler|very easy|everything (?:you|your \w+) needs?|all the \w+(?: \w+){0,4} "
    r"you need|measure everything|partner you need|is your \w+(?: \w+)?\.$|the best of|rely on our|the other side|"
    r"get the foundations|highest standard|new heights|goes? hand[- ]in[- ]hand|go hand|valuable|"
    r"waiting to help|built for the future|(?:is|are) (?:a|the) game[- ]changer|all kinds of|the way you know best|"
    r"on your \w+(?: \w+)? journey|like a cloud|trusted partner|you need (?:for|to)|right tools|the tools to|"
    r"makes? (?:\w+ ){1,4}(?:straightforward|easy|simple|fast)[,.]|gain control|more time to focus|your vision)\b|"
    r"(?:^|: )(?:ensure|take advantage|stay|rely|enjoy|discover|accelerate|unlock|transform|empower|get (?:the|all|a)|"
    r"gain|bring (?:your|data)|optimi[sz]e)\b",
    _I,
)
"""Words of praise that say nothing that could be checked."""
_UNCLEAR = re.compile(
    r"^(?:\S+ ){1,4}their\b|^(?:even|today, everyone|we (?:do )?know|we consider|we need|together)\b|"
    r"\b(?:of|all|from|with|across|for) (?:them|these|those)\b(?!\s+\w)|"
    r"\b(?:removes?|avoids?|handles?|fixes|solves?|closes?) (?:that|this|these|those)\b|\bthat supports it\b|"
    r"\bso we (?:need|have to|must)\b|\bin response to that\b|\btelling us\b|"
    r"\bpretty \w+ too\b|\bnot what we\b|\bstarted by\b|\bexcited to\b|"
    r"\bI['’]m\b|\bhas plenty\b|: \d+ [a-z]+ [a-z]+ .*\bfor\b",
    _I,
)
"""What leans on another sentence, weighs, or is somebody's word."""
_LAW = (
    r"(?:GDPR|CCPA|PECR|HIPAA|DSGVO|LGPD|PCI[ -]DSS|SOC ?2|ISO(?:/\w+)? ?\d{4,5}|FedRAMP|NIS ?2|DORA|FIPS|"
    r"Cyber Resilience Act|AI Act|privacy (?:laws?|regulations?)|data protection laws?)"
)
_ON_LAW = re.compile(
    rf"\bcompl(?:y|ies|iant|iance)\b[^.]{{0,40}}\b{_LAW}|\b{_LAW}[ -](?:\w+ )?(?:compliant|compliance|ready|certifi\w+|"
    rf"report|obligations|attestation)|\b(?:certifi\w+|audited|attest\w+|obligations)\b[^.]{{0,30}}{_LAW}|"
    rf"{_LAW} (?:Type|certifi\w+)",
    _I,
)
_MONEY = r"(?:[$€£¥]|\b(?:EUR|USD|GBP)\b)\s?\d"
_ON_PRICE = re.compile(
    rf"\bstart(?:s|ing)? (?:at|from) {_MONEY}|\b(?:free (?:for|plan|tier|trial|of charge)|free \d+-day|"
    r"(?:subscriptions?|licen[cs]es|plans?) (?:are|is) available)\b|"
    rf"{_MONEY}[\d.,]*\s?(?:/|per\b|an? )\s?(?:month|user|seat|year)",
    _I,
)
_ON_MONEY = re.compile(
    r"[$€£¥]|\bfree\b|\bpric|\bcharg|\bbill|\btiers?\b|\btrial\b|\bsubscription|"
    r"\bplans? (?:that |which )?(?:includ|start|"
    r"are|cost|offer|has|have)|\bplan in\b",
    _I,
)
_IS_PLAN_PRICE = re.compile(r"^[A-Z][\w ]{1,20}\s?[-–—:]\s?[$€£¥]\d")
_ON_PARTNERS = re.compile(
    r"\bwith (?:an? )?(?:variety|number|network|ecosystem|range)? ?(?:of )?(?:\w+ ){0,2}partners\b|"
    r"\bworks? with (?:all |many |the )?(?:major|leading|top|world['’]s leading) \w+|\b(?:join|joining|joined|joins) "
    r"forces with\b|\bpartner(?:ed|ing|s)? with\b|"
    r"\bworks? with (?:[\w-]+ ){0,5}(?:partners|integrators|vendors|manufacturers)\b|"
    r"\b(?:our|close|vendor) (?:\w+ )?partnerships?\b|\bpartner for\b",
    _I,
)
_ON_PLACE = re.compile(r"\bincorporated (?:as|in)\b|\bheadquartered in\b|\b(?:is|are|we['’]re) based in\b", _I)
_SEEKS = re.compile(
    r"\b(?:is|are|['’]re) (?:\w+ )?(?:looking for|hiring|seeking)\b|"
    r"\b(?:HR )?recruiters\b|\bopen (?:roles|positions)\b",
    _I,
)
_RAISED = re.compile(
    r"\brais(?:e|es|ed|ing)\b|\bround\b|\binvest\w*|\bseed\b|\bseries [a-h]\b|\bfunding\b|\bvaluation\b|\bventure\b|"
    r"\bbackers\b|\bcapital\b|\bbacked by [A-Z]|融资|投资"
)
_COUNTED = re.compile(
    r"\b(?:people|employees|team members|staff|colleagues|engineers|developers|strong|contributors)\b", _I
)
_OF_MANY = re.compile(
    r"^\W*(?:over |about |nearly |almost |more than )?\d[\d.,]*\s?%.*\b(?:of|developers|users|prefer)\b"
)
"""'75% of developers': a survey's figure."""
_VERSIONS = re.compile(
    r"\bfrom \w+ v?\d+\.\d+.* to \w+ v?\d|\bnewsletter\b|\btwitter\b|\binterviews\b|"
    r"^(?:here|at (?-i:[A-Z])\w+), we\b",
    _I,
)
_SUPPLIES = re.compile(r"\b(?:deliver|provid|offer|support|secur|manag|packag|maintain)(?:s|e|es|ing)?\b", _I)
_IS_A = re.compile(r"^\W*(?:[\w'’.-]+ ){1,4}?(?:is|are) (?:an?|the|fully)\b", _I)
_HELPS_OTHERS = re.compile(
    r"\bwe support (?:people|communit\w+|students|women|diversity)\b|\bforms?\b.*\bsubmit\b|\bwe recommend\b|"
    r"\bunderrepresented\b|\bmentoring\b|\bnew to our community\b|^you can already\b|"
    r"\brequires? an? (?:API )?(?:key|token)\b|"
    r"\bnow has (?:read|write|access)|\balways tried\b|: how to\b|^[\"“'‘]",
    _I,
)
_ANY_GAIN = re.compile(r"\b(?:can help|enables?|lets|allows?) you (?:to )?\b", _I)
_STEP = re.compile(r"^(?:we can|our journey|you)\b", _I)
_FIRST = 6
"""Words among which a sentence names its subject."""
_STEM = 4
"""Letters that words of one kind share: 'filter', 'filtering'."""
_MOST_TITLE = 9


def certain(facts: Iterable[Fact[Cite]], pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    lines = {line.cite: (line, page) for page in pages for line in (*page.lines, *page.head)}
    over = {page.page.url for page in pages if _is_over(page)}
    for fact in facts:
        line, page = lines[fact.evidence[0]]
        if not line.english or line.form in {"fact", "logos"}:
            yield fact
        elif sure := _sure(fact, line, page, company, is_over=page.page.url in over):
            yield sure


def _is_over(page: ReadPage) -> bool:
    """Whether a page says that what it is about is no longer there."""
    return any(_ENDED.search(line.text) and len(line.text.split()) <= _MOST_OF_NOTICE for line in page.lines)


def _sure(fact: Fact[Cite], line: Line, page: ReadPage, company: str, *, is_over: bool) -> Fact[Cite] | None:
    path, text = urlsplit(page.page.url).path, fact.text
    is_lesson = _TEACHES.search(path) and not has_words(short_name(company), text)
    if is_lesson or _LOGISTICS.search(text) or (_OF_OTHERS.search(path) and not has_words(short_name(company), text)):
        return None
    if fact.topic in {"customers", "history"}:
        return None if fact.topic == "customers" and len(fact.evidence) == 1 and _UNCLEAR.search(text) else fact
    topic = _topic(fact.topic, text, line, company)
    if topic is None or (topic != "hiring" and _UNCLEAR.search(text)):
        return None
    if topic == "offering":
        is_elsewhere = is_over or _NOT_ON_OFFER.search(path)
        told = None if is_elsewhere or _PUFF.search(text) or _HELPS_OTHERS.search(text) else _told(text, line, company)
        return fact.model_copy(update={"topic": topic, "text": told}) if told else None
    return fact.model_copy(update={"topic": topic})


def _topic(topic: FactTopic, text: str, line: Line, company: str) -> FactTopic | None:
    """The topic that its words make certain, whatever others they have."""
    if topic in {"offering", "scale", "business", "technology", "team", "funding"}:
        for sure, words in _SURE.items():
            if words.search(text) and (topic == "offering" or sure in _SURER.get(topic, ())):
                return sure
    if _KEPT.get(topic, _always)(text, line, company):
        return topic
    is_own = is_own_subject(text, company) or _share_a_word(line.page.title, " ".join(text.split()[:3]))
    is_offer = is_own and (_SUPPLIES.search(text) or _IS_A.search(text))
    return "offering" if is_offer and topic in {"technology", "funding"} else None


_SURE: dict[FactTopic, re.Pattern[str]] = {
    "hiring": _SEEKS,
    "compliance": _ON_LAW,
    "pricing": _ON_PRICE,
    "business": _ON_PARTNERS,
    "location": _ON_PLACE,
}
_SURER: dict[FactTopic, frozenset[FactTopic]] = {
    "scale": frozenset({"pricing", "compliance"}),
    "team": frozenset({"hiring"}),
    "technology": frozenset({"compliance"}),
}


def _always(_: str, _line: Line, _company: str) -> bool:
    return True


def _is_scale(text: str, _: Line, _company: str) -> bool:
    return not (_OF_MANY.search(text) or _VERSIONS.search(text)) and bool(
        re.search(r"\d\d|illion|ousand|undred|-?fold\b|double|triple", text)
    )


def _is_technology(text: str, line: Line, company: str) -> bool:
    own = is_own_subject(text, company) or line.form == "item"
    is_used = _USES.search(text) and not (_NO_USE.search(text) or _SUPPLIES.search(text) or _IS_A.search(text))
    return own and bool(is_used)


def _is_price(text: str, line: Line, company: str) -> bool:
    """'Amazon has a free tier' is no price of the company's."""
    if line.page.kind == "blog" and (
        (line.form == "item" and not _IS_PLAN_PRICE.search(text)) or not _ON_MONEY.search(text)
    ):
        return False
    if line.form != "sentence" or is_own_subject(text, company):
        return True
    others = any(at == 0 and not has_words(company, name) for name, at in tools_in(f" {text}"[1:]))
    is_about_prices = re.search(r"^(?:\w+ )?(?:pricing|plans?|prices?|you)\b|\bplans?\b", text, _I)
    return bool(is_about_prices or line.page.kind == "pricing") and not others


def _is_team(text: str, line: Line, company: str) -> bool:
    counts = line.page.kind in {"about", "careers"} or is_own_subject(text, company) or _COUNTED.search(text)
    return bool(counts) and len(text.split()) > len("2 team members".split())


def _is_business(text: str, line: Line, _company: str) -> bool:
    is_of_project = line.page.kind == "blog" and re.search(r"\bour (?:\w+ )?goals? w(?:as|ere)\b", text, _I)
    return not (is_of_project or _PUFF.search(text))


def _is_initiative(text: str, line: Line, company: str) -> bool:
    """On a blog, what 'we' do may be a step of a lesson."""
    is_news = event(text, company, is_headline=False) or _IS_PLAN.search(text)
    return bool(is_news or line.page.kind != "blog") and not _IN_TUTORIAL.search(text)


_KEPT: dict[FactTopic, Callable[[str, Line, str], bool]] = {
    "scale": _is_scale,
    "technology": _is_technology,
    "pricing": _is_price,
    "team": _is_team,
    "business": _is_business,
    "initiative": _is_initiative,
    "hiring": lambda text, _line, _company: not _NO_HIRING.search(text),
    "funding": lambda text, _line, _company: bool(_RAISED.search(text)) and "bounty" not in text.casefold(),
}


def _told(text: str, line: Line, company: str) -> str | None:
    """What is offered, with its title if it belongs to it: a sentence about the company needs none."""
    title, rest = _parted(text)
    if not title:
        return text if _is_of_offer(text, line, company) else None
    is_own = is_own_subject(rest, company) and not is_imperative(rest)
    if is_own and stands_alone(rest) and rest[-1] in ".!?":
        return rest
    return text if _share_a_word(title, rest) or line.form == "item" or _names_own(rest, company) else None


def _parted(text: str) -> tuple[str, str]:
    """A title and what follows its colon; none where a sentence only has one later."""
    title, mark, rest = text.partition(": ")
    is_title = mark and len(title.split()) <= _MOST_TITLE and rest[:1].isupper()
    return (title, rest) if is_title else ("", text)


def _is_of_offer(text: str, line: Line, company: str) -> bool:
    """Whether a sentence is about the company, or what its heading or page names, and no call."""
    is_of_other = any(at == 1 and not has_words(company, name) for name, at in tools_in(f" {text}"))
    is_step = line.page.kind in {"blog", "docs"} and (line.form == "item" or _STEP.search(text))
    if is_imperative(text) or ((is_of_other or is_step) and not _names_own(text.removeprefix("We "), company)):
        return False
    return line.form == "item" or _names_own(text, company) or _share_a_word(f"{line.heading} {line.page.title}", text)


def _names_own(text: str, company: str) -> bool:
    first = " ".join(text.split()[:_FIRST])
    return has_words(short_name(company), first) or is_own_subject(text, company)


def _share_a_word(title: str, text: str) -> bool:
    stems = {word[:_STEM] for word in _words(title)}
    return bool(stems & {word[:_STEM] for word in _words(text)})


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W_]{3,}", text.casefold()) if word not in _COMMON]


_COMMON = frozenset("the and for with your you our all any from that this are can get into".split())
