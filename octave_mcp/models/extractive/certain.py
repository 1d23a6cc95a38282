"""Checks the topics of facts about a prospect a second time, if the facts are in English.

Wrong topics are corrected, and facts whose topic stays uncertain are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.prospect import Fact, FactTopic
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.attribution import is_own_subject, short_name
from octave_mcp.models.extractive.events import event
from octave_mcp.models.extractive.headings import is_imperative, share_a_word
from octave_mcp.models.extractive.offer_facts import PUFFERY, offer_fact
from octave_mcp.models.extractive.tools import tools_in
from octave_mcp.models.extractive.topics import LABEL_WORDS
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

_I = re.IGNORECASE
# Paths of pages that rarely offer a product, such as legal, brand, event and contributor pages: "/trademarks",
# "/code-of-conduct", "/meetups".
_PAGES_WITHOUT_OFFERS = re.compile(
    r"/(?:[\w-]*-)?(?:trademarks?|brand|media-?kit|press-?kit|legal|terms|imprint|licen[cs]es?|contributing|"
    r"contribut(?:e|ors)|code-of-conduct|code-style|threat-model|conf(?:erence|info)?|conference-program|schedule|"
    r"agenda|meet-?ups?|webinars?|enterprise-day|hackathon|summit|workshops?)(?:[-/]|$)",
    _I,
)
# Paths of pages that are often about other companies: "/partners/northgate", "/showcase".
_PAGES_ABOUT_OTHERS = re.compile(
    r"/(?:[\w-]*-)?(?:partners?\d*|resellers?|members|portfolio|directory|marketplace|showcase|sponsors|investors)"
    r"(?:/|$)",
    _I,
)
_TEACHING_PAGES = re.compile(r"/(?:glossary|dictionary|encyclopedia|wiki|learn|learning|tutorials?)(?:/|$)", _I)
# Words that are typical of tutorials, where "we" means the author and the reader: "we added a file in the previous
# step".
_IN_TUTORIAL = re.compile(
    r"\b(?:file|query|fragment|(?:previous|next) step|method|expression|component|directory|\.\w{2,4}|time slots?|"
    r"abstraction|environment where|conversation)\b|^(?:at that time|in the v|in v\d|earlier|underneath|here|"
    r"after some)\b|^we landed\b",
    _I,
)
_IS_ANNOUNCED_PLAN = re.compile(
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
# Excludes sentences such as "We are looking for feedback", which are not about hiring.
_NO_HIRING = re.compile(
    r"\byour customers?\b|\blooking for (?:the |an? )?(?:\w+ ){0,2}(?:ways?|feedback|"
    r"solutions?|ideas|opportunit\w+)\b",
    _I,
)
# Matches "This project has been archived" and "our service was discontinued".
_ENDED = re.compile(
    r"\b(?:this|the|our) (?:project|product|program(?:me)?|service|plugin|tool|app|offer|page|position)\b[^.]{0,30}"
    r"\b(?:has|have|is|was|been)\b[^.]{0,20}\b(?:ended|discontinued|retired|sunset|shut down|archived|deprecated|"
    r"unmaintained|sold out|no longer (?:available|sold|supported|maintained|offered))\b",
    _I,
)
_MAX_NOTICE_WORDS = 25
# If a line has fewer words than this, it is often only the name of a customer.
_MIN_CUSTOMER_FACT_WORDS = 4
# Matches directions, commands and legal terms, which are usually not facts about the company: "Registration closes
# ...", "npm install", "I have read the terms".
_LOGISTICS = re.compile(
    r"\b(?:hacking )?rooms?:|\bregistration\b|"
    r"\bin the schedule\b|\bdo not go beyond\b|"
    r"\bdocker (?:ps|run|images|pull)\b|\bsudo \w|\b(?:apt(?:-get)?|npm|pip|brew|helm|snap) install\b|"
    r"\bI (?:have read|agree)\b|\bterms and conditions\b|"
    r"',? \w+: '|\border now\b|^how to\b|\blist of links\b|\bbut do not\b|`",
    _I,
)
# Matches sentences that often refer to an earlier sentence ("avoids that"), state an opinion, or quote a speaker
# ("I'm").
_UNCLEAR = re.compile(
    r"^(?:\S+ ){1,4}their\b|^(?:even|today, everyone|we (?:do )?know|we consider|we need|together)\b|"
    r"\b(?:of|all|from|with|across|for) (?:them|these|those)\b(?!\s+\w)|"
    r"\b(?:that information|all that (?:\w+)|does both|between them)\b|"
    r"\b(?:removes?|avoids?|handles?|fixes|solves?|closes?) (?:that|this|these|those)\b|\bthat supports it\b|"
    r"\bso we (?:need|have to|must)\b|\bin response to that\b|\btelling us\b|"
    r"\bpretty \w+ too\b|\bnot what we\b|\bstarted by\b|\bexcited to\b|"
    r"\bI['’]m\b|\bhas plenty\b|: \d+ [a-z]+ [a-z]+ .{0,200}\bfor\b",
    _I,
)
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
_IS_SEAT = re.compile(r"\bincorporated (?:as|in)\b|\bheadquartered in\b|\b(?:is|are|we['’]re) based in\b", _I)
_NAMES_PLACE = re.compile(
    r"\b(?i:offices?|headquarters|hubs?|depots?|stores?|locations?|warehouses?|branch(?:es)?) "
    r"(?:are |is |were |was )?(?:\w+ )?in [A-Z0-9]|"
    r"\b(?i:located|founded|live|work|opened|offices?|remote\w*|distributed)\b.{0,200}"
    r"\b(?:in|across|from|over) (?:\w+ ){0,2}(?:[A-Z]|\d|(?i:countries|time ?zones|continents))"
)
_SEEKS = re.compile(
    r"\b(?:is|are|['’]re) (?:\w+ )?(?:looking for|hiring|seeking)\b|"
    r"\b(?:HR )?recruiters\b|\bopen (?:roles|positions)\b",
    _I,
)
_ON_FUNDING = re.compile(
    r"\brais(?:e|es|ed|ing)\b|\bround\b|\binvest\w*|\bseed\b|\bseries [a-h]\b|\bfunding\b|\bvaluation\b|\bventure\b|"
    r"\bbackers\b|\bcapital\b|\bbacked by [A-Z]|融资|投资"
)
_COUNTS_PEOPLE = re.compile(
    r"\b(?:people|employees|team members|staff|colleagues|engineers|developers|strong|contributors)\b", _I
)
_HOW_PEOPLE_WORK = re.compile(
    r"\b(?:distributed|remote\w*|founded|founders?|culture|diverse|nationalities|countries|time ?zones|offices?)\b", _I
)
_ABOUT_OTHER_PEOPLE = re.compile(
    r"\b(?:million|billion|thousand) people\b|\bimpacted\b|\byour (?:\w+ )?(?:team|people|staff)\b|\bour customers?\b|"
    r"\baccess to\b",
    _I,
)
_IN_FIGURES = re.compile(
    r"(?<![A-Za-z\d])\d[\d,.]{0,20}\d(?![A-Za-z])|\d[\d,.]{0,20}\s?(?:[kKMB]\b|%|x\b)|illion|ousand|undred|-?fold\b|double|triple|"
    r"\d (?:offices|depots|locations|stores|plants|sites|countries|regions|warehouses)\b"
)
# Matches shares such as "75% of developers". Such shares usually come from surveys and are not figures about the
# company.
_SURVEY_SHARE = re.compile(
    r"^\W*(?:over |about |nearly |almost |more than )?\d[\d.,]*\s?%.*\b(?:of|developers|users|prefer)\b"
)
_VERSIONS = re.compile(
    r"\bfrom \w+ v?\d+\.\d+.{0,200} to \w+ v?\d|\bnewsletter\b|\btwitter\b|\binterviews\b|"
    r"^(?:here|at (?-i:[A-Z])\w+), we\b",
    _I,
)
# Employee benefits are about hiring, even if the sentence starts like a product offer: "We offer equity".
_BENEFIT = re.compile(
    r"\b(?:(?:paid|parental|sick|maternity|paternity|medical) leave|paid time off|PTO|vacations?|health insurance|"
    r"401\(?k\)?|stipends?|equity|home office budget|retirement plan|dental|perks)\b",
    _I,
)
_BACKED = re.compile(
    r"\b(?:backed|supported|funded|financed) by\b[^.]{0,40}\b(?:investors?|founders|angels|ventures?|capital)\b", _I
)
_IS_TEAM = re.compile(r"\b(?:is|are|we['’]re) an? (?:[\w-]+ ){0,3}team of\b", _I)
_SUPPLIES = re.compile(r"\b(?:deliver|provid|offer|support|secur|manag|packag|maintain)(?:s|e|es|ing)?\b", _I)
_IS_A = re.compile(r"^\W*+(?:[\w'’.-]+ ){1,4}?(?:is|are) (?:an?|the|fully)\b", _I)


def certain(facts: Iterable[Fact[Cite]], pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    lines = {line.cite: (line, page) for page in pages for line in (*page.lines, *page.head)}
    discontinued = {page.page.url for page in pages if _is_discontinued(page)}
    for fact in facts:
        line, page = lines[fact.evidence[0]]
        if not line.english or line.form in {"fact", "logos"}:
            if line.english or fact.topic != "technology" or is_own_subject(fact.text, company):
                yield fact
        elif corrected := _corrected(fact, line, page, company, is_discontinued=page.page.url in discontinued):
            yield corrected


def _is_discontinued(page: ReadPage) -> bool:
    """Whether the page says that its product, service or project was discontinued."""
    return any(_ENDED.search(line.text) and len(line.text.split()) <= _MAX_NOTICE_WORDS for line in page.lines)


def _corrected(
    fact: Fact[Cite], line: Line, page: ReadPage, company: str, *, is_discontinued: bool
) -> Fact[Cite] | None:
    path, text = urlsplit(page.page.url).path, fact.text
    if _is_no_statement(text, line, path, company):
        return None
    if fact.topic in {"history", "customers"}:
        return fact if fact.topic == "history" or _is_of_customer(text, line, company) else None
    topic = _topic(fact.topic, text, line, company)
    if topic is None or (topic != "hiring" and _UNCLEAR.search(text)):
        return None
    if topic == "offering":
        is_elsewhere = is_discontinued or _PAGES_WITHOUT_OFFERS.search(path)
        offer_text = None if is_elsewhere else offer_fact(text, line, company)
        return fact.model_copy(update={"topic": topic, "text": offer_text}) if offer_text else None
    return fact.model_copy(update={"topic": topic})


def _is_no_statement(text: str, line: Line, path: str, company: str) -> bool:
    """Whether the line is a question, an instruction, a lesson, or a statement by another company about itself."""
    is_about_others = (_TEACHING_PAGES.search(path) or _PAGES_ABOUT_OTHERS.search(path)) and not has_words(
        short_name(company), text
    )
    is_prompt = text.endswith("?") or (line.form == "sentence" and is_imperative(text))
    return bool(is_prompt or is_about_others or _LOGISTICS.search(text))


def _is_of_customer(text: str, line: Line, company: str) -> bool:
    """Whether the line is about a customer: how the customer uses the product, or what the customer said."""
    if len(text.split()) < _MIN_CUSTOMER_FACT_WORDS:
        return False
    if line.form == "heading" or line.quotes or has_words(short_name(company), text):
        return True
    if line.form == "item":
        return ": " in line.text
    cue_patterns = (cues.MEASURED, cues.CHANGE, cues.ADOPTION, cues.PROBLEM)
    return not _UNCLEAR.search(text) and any(words.search(text) for words in cue_patterns)


def _topic(topic: FactTopic, text: str, line: Line, company: str) -> FactTopic | None:
    """Return the topic that the text is certainly about, or None. The returned topic can differ from `topic`."""
    if topic in {"offering", "scale", "business", "technology", "team", "funding"}:
        for certain_topic, words in _CERTAIN_WORDS.items():
            if words.search(text) and (topic == "offering" or certain_topic in _OVERRIDES.get(topic, ())):
                return certain_topic
    if _CHECKS.get(topic, _always)(text, line, company):
        return topic
    is_own = is_own_subject(text, company) or share_a_word(line.page.title, " ".join(text.split()[:3]), "")
    is_offer = is_own and (_SUPPLIES.search(text) or _IS_A.search(text))
    return "offering" if is_offer and topic in {"technology", "funding"} else None


# Maps topics to patterns. If the topic of a matching line is "offering", the line gets the pattern's topic instead. Of
# the other topics, only those in `_OVERRIDES` can be replaced.
_CERTAIN_WORDS: dict[FactTopic, re.Pattern[str]] = {
    "hiring": re.compile(f"{_SEEKS.pattern}|{_BENEFIT.pattern}", _I),
    "funding": _BACKED,
    "team": _IS_TEAM,
    "compliance": _ON_LAW,
    "pricing": _ON_PRICE,
    "business": _ON_PARTNERS,
    "location": _IS_SEAT,
}
_OVERRIDES: dict[FactTopic, frozenset[FactTopic]] = {
    "scale": frozenset({"pricing", "compliance"}),
    "team": frozenset({"hiring"}),
    "technology": frozenset({"compliance"}),
}


def _always(_: str, _line: Line, _company: str) -> bool:
    return True


def _is_scale(text: str, _: Line, _company: str) -> bool:
    is_about_others = _SURVEY_SHARE.search(text) or _VERSIONS.search(text) or re.match(r"our plan\b", text, _I)
    return bool(_IN_FIGURES.search(text)) and not is_about_others


def _is_technology(text: str, line: Line, company: str) -> bool:
    is_own = is_own_subject(text, company) or line.form == "item"
    is_used = _USES.search(text) and not (_NO_USE.search(text) or _SUPPLIES.search(text) or _IS_A.search(text))
    return is_own and bool(is_used)


def _is_price(text: str, line: Line, company: str) -> bool:
    """Whether the text states a price that the company itself charges. 'Amazon has a free tier' does not count."""
    if re.match(r"\d+ [$€£]", text):
        return False
    if line.page.kind == "blog" and (
        (line.form == "item" and not _IS_PLAN_PRICE.search(text)) or not _ON_MONEY.search(text)
    ):
        return False
    if line.form != "sentence" or is_own_subject(text, company):
        return True
    names_other_product = any(at == 0 and not has_words(company, name) for name, at in tools_in(text))
    is_about_prices = re.search(r"^(?:\w+ )?(?:pricing|plans?|prices?|you)\b|\bplans?\b", text, _I)
    return bool(is_about_prices or line.page.kind == "pricing") and not names_other_product


def _is_team(text: str, line: Line, company: str) -> bool:
    """Whether the line says how many people work at the company or how they work.

    'Our team helps you' is not about the size or the work of the team.
    """
    about_others = _ABOUT_OTHER_PEOPLE.search(text)
    is_on_people = _COUNTS_PEOPLE.search(text) or _HOW_PEOPLE_WORK.search(text)
    is_credible = line.page.kind in {"about", "careers"} or is_own_subject(text, company)
    return bool(is_on_people and is_credible and not about_others) and len(text.split()) > len("2 team members".split())


def _is_business(text: str, line: Line, _company: str) -> bool:
    is_project_goal = line.page.kind == "blog" and re.search(r"\bour (?:\w+ )?goals? w(?:as|ere)\b", text, _I)
    return not (is_project_goal or PUFFERY.search(text))


def _is_initiative(text: str, line: Line, company: str) -> bool:
    """Whether the line reports news or a plan of the company, and not a step of a tutorial."""
    is_news = event(text, company, is_headline=False) or _IS_ANNOUNCED_PLAN.search(text)
    is_own_page = line.page.kind in {"about", "careers", "news", "home"}
    return bool(is_news or is_own_page) and not _IN_TUTORIAL.search(text)


def _is_location(text: str, line: Line, _company: str) -> bool:
    """Whether the line names a place. 'An office in your agency' does not name a place."""
    return len(text.split()) <= LABEL_WORDS or bool(_IS_SEAT.search(text) or _NAMES_PLACE.search(text))


_CHECKS: dict[FactTopic, Callable[[str, Line, str], bool]] = {
    "location": _is_location,
    "scale": _is_scale,
    "technology": _is_technology,
    "pricing": _is_price,
    "team": _is_team,
    "business": _is_business,
    "initiative": _is_initiative,
    "hiring": lambda text, _line, _company: not _NO_HIRING.search(text),
    "funding": lambda text, _line, _company: bool(_ON_FUNDING.search(text)) and "bounty" not in text.casefold(),
}
