"""What a line of the prospect's own is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from octave_mcp.domain.prospect import FactTopic
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.events import event, is_main
from octave_mcp.models.extractive.names import is_person
from octave_mcp.models.extractive.quoting import without_lead
from octave_mcp.models.extractive.stack import holds
from octave_mcp.models.extractive.stating import announces, describes, lists_features, states
from octave_mcp.models.extractive.tools import tools_in
from octave_mcp.models.extractive.typed_lines import Line, ReadPage
from octave_mcp.models.extractive.voices import is_own_subject, short_name

LABEL_WORDS = 8
_SELLS = frozenset({"home", "product", "pricing", "integrations", "security", "persona", "customers", "faq"})
_TO_READERS = re.compile(r"\byour?\b", re.IGNORECASE)
_CHARGES = re.compile(
    r"[$€£¥]\s?\d[\d.,]*\s?(?:/|per\b|a (?:month|year|user|seat)|monthly|annually)|\b(?:starts? at|starting at|"
    r"from|costs?|only)\s+[$€£¥]|"
    r"[$€£¥]0\b|\b(?:plans?|tiers?|subscription)\b|\bour pricing\b|usage[- ]based|pay[- ](?:only|as[- ]you)|"
    r"\bpricing (?:is|model|starts)\b|: ?[$€£¥]",
    re.IGNORECASE,
)
_NO_PRICE = re.compile(
    r"\b(?:everyone|employees?|team members?|coworking|budget|laptop|salary|allowance|insurance|guarantee|pricing page|"
    r"pricing details|coverage|fine|billing plan|MRR|ARR|revenue|donat\w+|bootstrap\w*|rais(?:e|ed|ing)|funding|"
    r"earn(?:s|ed)?|profit\w*|we make|valuation|market cap\w*|savings?|saved|budgets?)\b",
    re.IGNORECASE,
)
_NO_OFFER = re.compile(
    r"\b(?:subject to|terms|conditions|disclaimer|endorse|email(?:ing)? us|contact us|please|thank\w*|couldn['’]t|"
    r"asked|victims?|everyone|employees?|responsib\w+|liab\w+|warrant\w+|coworking|laptop|salary|allowance|"
    r"insurance|vacation|perks?|donat\w+)\b|\?$|^(?:if|when|as)\b",
    re.IGNORECASE,
)
_IS_BUSINESS = (
    r"(?i:^\W*(?:(?:at|here at|today|now),?\s+)?(?:the\s+)?{company}(?: team)?(?:,[^,.]*,)?\s+(?:is|are)\s+(?:an?|"
    r"the|one of)\b)|"
    r"(?i:^\W*(?:\w+,\s+)?we(?:['’]re| are) (?:an?|the|one of)\b)|"
    r"(?i:^\W*(?:at \S+,?\s+)?(?:we|{company}) (?:helps?|builds?|makes?|sells?|serves?|designs?|provides?)\b)|"
    r"(?i:\bour mission (?:is|was|has)\b)"
)
# Elsewhere a page on jobs speaks of what it offers to those who work there.
_MAKES = re.compile(r"\b(?:we|our \w+) (?:help|build|make|develop|sell|deliver|create)s?\b", re.IGNORECASE)
_NO_SCALE = re.compile(
    r"\b(?:up ?votes?|votes|comments|reviews?|rating|badges?|ranked|talks|speakers|jobs|limits?|^\d+\.\s|"
    r"surveyed|studied|analy[sz]ed|interviewed|asked|per (?:hour|month|day|minute|second|user)|visitors? from)\b|"
    r"^[^.%]*%[^.]*$",
    re.IGNORECASE,
)
_HIRES = re.compile(r"\b(?:recruit\w*|candidates?|interview\w*|applic\w+|hir(?:e|es|ed|ing))\b", re.IGNORECASE)
_WHO_BUYS = re.compile(
    r"\b(?:\d|customers? (?:include|range|like|such as|from|are|use|in)|users? (?:include|range|like|such as|from|"
    r"are|use)|clients? (?:include|range|are|from)|"
    r"trusted by|used by|companies (?:like|such as|using|trust)|case study|customer stor\w+)\b|\d",
    re.IGNORECASE,
)
_INVITES = re.compile(r"^(?:read|see|view|explore|learn|meet|check)\b|\bhere\b", re.IGNORECASE)
# What a plan includes: 'Up to 10 team members'.
_OF_PLAN = re.compile(r"^(?:up to|add|invite|unlimited|all|for)\b", re.IGNORECASE)
_PLAN = re.compile(
    r"\b(?:(?:we|team) (?:also |now |currently )?(?:plan|aim|intend) to|(?:are|is) planning to|(?:we['’]re|we are|"
    r"is) (?:now |currently |also )?(?:building|working on|"
    r"expanding|opening|moving|rolling out|preparing|launching|accelerating|focused on)|"
    r"we(?:['’]ll| will) (?:also |soon |now )?(?:launch|open|release|expand|introduce|roll out|double|build|"
    r"continue to|issue|offer|add)\b|"
    r"coming soon|coming months|our roadmap|on the roadmap|next (?:year|week|month|quarter)|launch week)\b",
    re.IGNORECASE,
)
_BUILDS_WITH = re.compile(
    r"\b(?:built|based|runs?|running|hosted|powered|written|deploy\w*|develop\w*)\s+(?:\w+\s){0,2}?(?:on|with|in|"
    r"by|using|from)\b|"
    r"\b(?:we|our \w+|team)\s+(?:\w+\s)?(?:uses?|used|rely|relies|chose|picked|write|work)\b|\b(?:is|are) (?:an?|"
    r"a full|a dedicated)\b",
    re.IGNORECASE,
)
# What 'we' do for customers.
_SUPPLIES = (
    r"(?:provid|offer|support|let|help|enabl|giv|includ|allow|automat|deliver|combin|replac|build|sell|design|"
    r"develop|host|manag|distribut|publish|produc|ship)(?:e|es|s|ies)?"
)
# What a product is or does.
_DOES = (
    r"(?:is|has(?! (?:been|chosen|become|grown|had|\w+ed)\b)|does|comes|tracks?|measures?|shows?|collects?|"
    r"counts?|runs?|works?|integrates?|connects?|monitors?|"
    r"protects?|secures?|stores?|turns?|sends?|serves?|generates?|creates?|analy[sz]es?|captures?|detects?|simplifies|"
    r"handles?|eliminates?|removes?|prebuilds?|excludes?|skips?|displays?|filters?|imports?|exports?|deploys?|"
    r"prevents?|covers?|"
    r"reduces?|uses?|keeps?|adds?|makes?|gives?|syncs?|scales?|centrali[sz]es?|respects?|"
    r"complies|requires?|takes?)"
)
_COUNTS_TEAM = re.compile(
    r"^\W*(?:\w+\W+){0,3}?our (?:\w+ )?(?:team|staff|crew|people|employees|engineers)\s+(?:is|are|has|have|"
    r"works?|now|includes|spans)\b|"
    r"\b(?:team|staff|crew|workforce|group) of (?:over |about |around |more than |just |only )?(?:\d|two|three|"
    r"four|five|six|seven|"
    r"eight|nine|ten)|[Ww]e (?:now )?(?:have|employ|are) \d|\b(?:\d[\d,]{0,20}\+?\s+(?:[\w-]+\s){0,2}?(?:people|"
    r"employees|team members|staff|colleagues|engineers|"
    r"welders|drivers))\b|founders?\b|员工|团队",
    re.IGNORECASE,
)
_HIRES_NOW = re.compile(
    r"\b(?:hiring|we (?:always |only |also )?hire|looking for|open (?:roles|positions)|vacanc\w+|"
    r"full-time (?:role|position|hire|job)s?|"
    r"recruit\w*|join us)\b",
    re.IGNORECASE,
)


@cache
def _offers(company: str) -> re.Pattern[str]:
    """The company, its product or 'we', and right after that what it does for its customers."""
    name = _named(company)
    product = (
        r"our (?:\w+ )?(?:platform|products?|services?|solutions?|software|app|apps|tools?|dashboard|script|plugin|"
        r"editor|database|cloud|API|consultants|experts|distribution|marketplace|subscription|network)"
    )
    helpers = r"(?:(?:also|now|only|automatically|does not|doesn['’]t|currently|can|simply|fully|already)\s+){0,2}"
    return re.compile(
        rf"(?i:^\W*(?:(?:at|with|today|now|the)\s+(?:{name})?,?\s*)?)"
        rf"(?:(?i:we|{product})\s+(?i:{helpers}{_SUPPLIES})|"
        rf"(?i:{name}(?:['’]s)?)(?:\s+[A-Z][\w.-]*){{0,3}}\s+(?i:{helpers}(?:{_SUPPLIES}|{_DOES}))|"
        rf"(?i:our [\w ]{{3,30}}? (?:integration|calculator|plugin|report|extension|templates?|tool|SDK|builder|editor|"
        rf"API|service|programme?|package))\s+(?i:{helpers}(?:{_SUPPLIES}|(?!is\b|has\b){_DOES}))|"
        rf"(?i:{product})\s+(?i:{helpers}(?!is\b|has\b){_DOES}))\b"
    )


# Other things that a company says about itself in the first person.
_TOLD: dict[FactTopic, re.Pattern[str]] = {
    "hiring": re.compile(
        r"\b(?:we|our)\b.{0,200}\b(?:recruit(?:ment|ers?|ing)|hiring (?:process|teams?|leads?|model|managers?)|"
        r"candidates?|applicants?)\b",
        re.IGNORECASE,
    ),
    "team": re.compile(
        r"\b(?:is|are|been) (?:an? )?(?:fully |completely |globally |100% )?(?:distributed|remote)(?: team|"
        r" organi[sz]ation| company|,| but)|"
        r"\bfully distributed\b|"
        r"\bwe (?:now |currently )?(?:have|employ|are) \d[\d,]*\+? (?:[\w-]+ ){0,2}(?:people|team members|"
        r"employees|colleagues)\b|"
        r"^\W*(?:\w+\W+){0,3}?our (?:\w+ )?(?:team|culture|engineers|employees|people) "
        r"(?:is|are|has|have|was|were|works?|spans?|grew|had)\b|\bwe (?:all )?work (?:remotely|from|together|"
        r"across|in)\b",
        re.IGNORECASE,
    ),
    "scale": re.compile(
        r"\b(?:crossed|reached|passed|surpassed|hit) [$€£]\s?\d[\d.,]*\s?(?:k|m|bn|million|"
        r"billion)? (?:in )?(?:\w+ ){0,2}?(?:revenue|ARR|MRR)\b|"
        r"\b(?:we|our \w+)\b.{0,40}\b(?:had|have|grew|grown|increased?|reached|hit|passed|crossed|serves?|served|"
        r"process\w*|"
        r"handles?|manages?|hosts?|scale)\b.{0,60}(?:\d|billions?|millions?|thousands?)",
        re.IGNORECASE,
    ),
    "business": re.compile(
        r"\bwe(?:['’]re| are) (?:(?!looking|hiring)[\w-]+,? ){0,4}(?:company|project|startup|organi[sz]ation|"
        r"provider|business|agency|"
        r"studio|bootstrapped|independent|self-funded|profitable|non-?profit|foundation|cooperative|family-owned|"
        r"open[- ]source)\b|"
        r"\bwe(?:['’]ve| have)? (?:chose|chosen|choose) the \w+ business model\b|"
        r"\bour (?:\w+ )?(?:goals?|focus|mission|strategy|priority|vision|aim|business model|success) (?:is|are|"
        r"remains?|was|has|depends?|for)\b",
        re.IGNORECASE,
    ),
    "pricing": re.compile(
        r"\bwe (?:\w+ )?(?:charge|bill|price|will issue credits)\b|\bour (?:\w+ )?(?:pricing|prices|tiers?|plans?) ",
        re.IGNORECASE,
    ),
    "customers": re.compile(
        r"\bour (?:\w+ )?(?:users|customers|clients|user base|customer base)(?: base)? (?:is|are|include|range|"
        r"build|use|have|come)\b|"
        r"\b(?:we|our \w+) (?:also )?(?:serve|support|work with|help) (?:\w+ ){0,5}(?:students|startups|developers|"
        r"customers|companies|"
        r"teams|enterprises|retailers|businesses|agencies|schools|founders|engineers)\b",
        re.IGNORECASE,
    ),
    "technology": re.compile(
        r"\bwe (?:\w+ )?(?:use|used|chose|rely on|run|write|host|built|migrated|moved)\b", re.IGNORECASE
    ),
    "initiative": re.compile(
        r"\bwe(?:['’]ve| have)? (?:also |just |recently |now |then |first )?(?:concluded|completed|partnered with|"
        r"teamed[- ]up with|launched|shipped|released|started|"
        r"created|added|announced|"
        r"introduced|rebuilt|migrated|redesigned|opened|expanded|joined|kicked off|rolled out)\b|"
        r"\bwe(?:['’]re| are) (?:now |currently |also )?(?:building|working on|adding|testing|rolling|expanding|"
        r"opening|starting|launching)\b",
        re.IGNORECASE,
    ),
}


_LABEL_ENDS = re.compile(r":\s+|\s+[–—]\s+")


@dataclass(frozen=True, slots=True)
class _Said:
    """A line, and what is asked of it for each topic: `sells` is whether its page does."""

    line: Line
    company: str
    is_own: bool
    sells: bool

    @property
    def text(self) -> str:
        return self.line.text

    @property
    def to_readers(self) -> bool:
        return bool(_TO_READERS.search(self.text))

    @property
    def is_label(self) -> bool:
        return len(self.text.split()) <= LABEL_WORDS and not self.to_readers

    def has(self, words: re.Pattern[str]) -> bool:
        return bool(words.search(self.text))


def topics(line: Line, page: ReadPage, company: str) -> Iterator[FactTopic]:
    """What it can be about, the surest first."""
    if line.english and not (states(line.text) or announces(line.text)):
        return
    sells, own = page.page.kind in _SELLS, is_own_subject(without_lead(line.text), company)
    said = _Said(line, company, own, sells)
    for topic, words in cues.FACTS.items():
        if said.has(words) and (not line.english or _HOLDS.get(topic, _is_of_company)(said)):
            yield topic
    if line.english and own:
        for topic, words in _TOLD.items():
            told = words.search(said.text)
            if topic == "hiring" and page.page.kind != "careers":
                continue
            is_scale = topic == "scale" and said.has(_NO_SCALE)
            is_told = not said.to_readers or (topic == "initiative" and announces(said.text))
            if (
                told
                and is_told
                and not is_scale
                and is_main(said.text[: told.start()])
                and (topic != "technology" or tools_in(said.text))
            ):
                yield topic
    if line.english and _is_offering(said):
        yield "offering"


def _is_of_company(said: _Said) -> bool:
    return said.is_own or (said.is_label and not said.has(_OF_PLAN))


def _named(company: str) -> str:
    return rf"(?:{re.escape(company)}|{re.escape(short_name(company))})"


def _is_business(said: _Said) -> bool:
    return bool(re.search(_IS_BUSINESS.format(company=_named(said.company)), said.text))


def _is_price(said: _Said) -> bool:
    told = said.sells or said.is_own or said.line.form == "item"
    return told and said.has(_CHARGES) and not said.has(_NO_PRICE)


def _is_kept_standard(said: _Said) -> bool:
    return not said.to_readers and holds(said.line, said.company)


def _is_initiative(said: _Said) -> bool:
    happened = event(said.text, said.company, is_headline=False) is not None
    return said.is_own and (happened or (said.has(_PLAN) and not said.to_readers))


def _is_technology(said: _Said) -> bool:
    return said.has(_BUILDS_WITH) and not said.to_readers and (said.is_own or said.sells)


def _is_offering(said: _Said) -> bool:
    page = said.line.page.kind
    is_own = said.is_own and said.has(_offers(said.company)) and (page != "careers" or said.has(_MAKES))
    is_offer = _is_feature(said) or is_own
    return is_offer and not said.has(_NO_OFFER) and not is_person(said.text.split(",")[0])


def _is_feature(said: _Said) -> bool:
    """An item of a list of features: with its name before a colon, or, among what a plan includes, without."""
    if said.line.form != "item" or not said.sells or not lists_features(said.line.heading):
        return False
    name, *rest = _LABEL_ENDS.split(said.text, maxsplit=1)
    if told := " ".join(rest):
        return (
            len(name.split()) <= LABEL_WORDS
            and len(told.split()) > LABEL_WORDS / 2
            and describes(name, told, said.company)
        )
    return said.line.page.kind == "pricing" and len(said.text.split()) > LABEL_WORDS / 2 and not said.has(_OF_PLAN)


def _is_team(said: _Said) -> bool:
    return said.has(_COUNTS_TEAM) and _is_of_company(said) and not said.has(_HIRES)


def _is_hiring(said: _Said) -> bool:
    return said.is_own and said.has(_HIRES_NOW)


def _is_location(said: _Said) -> bool:
    return _is_of_company(said) and not said.has(re.compile(r"\bpolicy\b|\bculture\b"))


def _is_funding(said: _Said) -> bool:
    return said.is_own and bool(re.search(r"\d|\bround\b|(?<=\s)[A-Z][a-z]+", said.text))


def _is_of_customers(said: _Said) -> bool:
    named = said.has(_WHO_BUYS) and (said.is_own or (said.is_label and re.search(r"\d|(?<=\s)[A-Z]", said.text)))
    return bool(named) and not said.has(_INVITES)


def _is_scale(said: _Said) -> bool:
    return not (said.to_readers or said.has(_NO_SCALE)) and (
        said.is_own or (said.is_label and said.sells and said.text[:1].isdigit())
    )


# Whether a line with the words of a topic is on that topic.
_HOLDS: dict[FactTopic, Callable[[_Said], bool]] = {
    "business": _is_business,
    "pricing": _is_price,
    "compliance": _is_kept_standard,
    "initiative": _is_initiative,
    "technology": _is_technology,
    "offering": _is_offering,
    "customers": _is_of_customers,
    "team": _is_team,
    "hiring": _is_hiring,
    "funding": _is_funding,
    "location": _is_location,
    "scale": _is_scale,
}
