"""Classifies the event that an English sentence or headline reports, such as funding, a hire or a launch."""

from __future__ import annotations

import re
from functools import lru_cache

from octave_mcp.domain.findings import TriggerKind
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.attribution import short_name
from octave_mcp.models.extractive.cues import JOB, TITLE
from octave_mcp.models.extractive.typed_lines import CACHED_COMPANIES

_PERSON = r"[A-Z][\w'’-]{1,40}(?:\s+[A-Z][\w'’.-]{0,40}){1,3}"
_I = re.IGNORECASE
_MAX_LABEL_WORDS = 6
_WE = r"(?:we|we['’]ve|we['’]re)\s+(?:(?:have|also|just|now|recently|finally|are|today|officially)\s+){0,3}"

# Excludes conditions, intentions, advice and routines, because they do not report an event: "we would acquire", "how we
# launched", "every month".
_NO_EVENT = re.compile(
    r"\b(?:if (?:we|you)|would|could|might|should|(?-i:may)|never|not yet|haven['’]t|hasn['’]t|didn['’]t|don['’]t|"
    r"aren['’]t|whenever|every time|every (?:week|month|year|day)|before we|until we|why we|how we|how to|how do|"
    r"what we|wants? to|use our new|in the process of|tell us|a bunch of|"
    r"(?:some|several|many|two|three|four|five|six|\d+) (?:new )?things|winners|"
    r"finalists|tr(?:y|ied|ying) to|used to)\b",
    _I,
)
# Excludes phrases such as "user acquisition", which do not mean that a company was bought.
_OF_MARKETING = re.compile(
    r"\b(?:user|customer|data|talent|client|lead|traffic|cost|per|customers?['’]?|paid)[\s-]acquisition\b|"
    r"\bacquisition (?:cost|channel|funnel|metrics?|rate|strateg\w+)",
    _I,
)
_ACQUISITION = re.compile(
    r"\b(?:acquires?|acquired|acquiring|to acquire|acquisition of|"
    r"merges? with|merged with|merger (?:of|with)|is now part of|are now part of|has become part of|buys)\s+"
    r"(?:(?:by|a|an|the|leading|startup|company)\s+){0,3}[A-Z]"
)
_AMOUNT = r"[$€£¥]\s?\d[\d.,]*\s?(?:k|m|mn|bn|b|million|billion)?\b"
_ROUND = (
    r"(?:pre-)?[Ss]eed (?:round|funding|extension)|[Ss]eries [A-H]\b|funding round|growth round|round of funding|"
    r"venture (?:round|funding)|new funding\b"
)
_FUNDING = re.compile(
    rf"\b(?:rais(?:e|es|ed|ing)|clos(?:es|ed|ing)|secur(?:es|ed)|announc\w+|lands?|landed|receiv(?:es|ed)|completes?d?|"
    rf"got|our|the|new|led)\b.{{0,60}}?(?:{_ROUND})|"
    rf"\b(?:rais(?:e|es|ed|ing)|secur(?:es|ed))\b.{{0,40}}?{_AMOUNT}|"
    rf"{_AMOUNT}\s+(?:in\s+(?:\w+\s+)?)?(?:{_ROUND}|funding|investment)"
)
# Matches "Our Series B" and "$9M seed round". "Northgate's Series B" does not match, because Northgate can be another
# company.
_FUNDING_HEADING = re.compile(
    rf"(?!.*\b(?:stages?|beyond|startups?)\b)(?>\W*(?:our|the|an?|new|announcing|{_AMOUNT}))*\W*(?:{_ROUND})",
    re.IGNORECASE,
)
_JOINS = re.compile(
    rf"(?P<person>{_PERSON})\b.{{0,60}}?\b(?:joins?|joined|joining|appointed|named|promoted|hired)\b"
    r".{0,60}?\b(?:as|to)\s+(?P<title>.{2,80})"
)
_APPOINTS = re.compile(
    rf"\b(?:[Aa]ppoint(?:s|ed|ing)?|[Nn]am(?:es|ed|ing)|[Hh]ir(?:es|ed|ing)|[Pp]romot(?:es|ed|ing)|"
    rf"[Ww]elcom(?:es?|ed|ing))\b.{{0,40}}?(?P<person>{_PERSON}).{{0,40}}?\b(?:as|to)\s+(?P<title>.{{2,80}})"
)
_NEW_TITLE = re.compile(
    rf"\b(?:our|[A-Z]\w+['’]s)\s+(?:new|first|next)\s+(?P<title>[\w ,&-]{{2,40}}?)(?:,|:|\s+is)\s+{_PERSON}"
)
_BROUGHT_IN = re.compile(
    rf"^(?!only\b).*\b{_WE}(?:hired|welcomed|brought (?:on|in))\s+(?:board\s+)?(?:our first\b|(?-i:[A-Z]))"
    r"(?!.{0,200}\b(?:investor|advis|angel))",
    _I,
)
_HIRING = re.compile(
    r"\b(?:we['’]re|we are|is|are)\s+(?:(?:also|now|currently|actively|always|constantly|still)\s+){0,2}"
    r"(?:hiring|recruiting|growing (?:our|the) team)\b|"
    r"\bwe (?:hire (?:constantly|continuously|globally|all year)|are looking for|['’]re looking for|"
    r"are seeking)\b(?!.{0,200}\bfeedback)|"
    r"\bwe would love to have you join\b|"
    r"\bwe have (?:\w+\s+){0,3}open (?:roles|positions)\b",
    _I,
)
# A sentence with one of these words often does not announce open jobs: "we're hiring, but only ...", "when you join".
_NO_HIRING = re.compile(r"\b(?:not hiring|, but|really smart|if we|when you|your|you['’]ll)\b", _I)
CLOSED = re.compile(
    r"\b(?:deadline|applications?|positions?|roles?|vacanc\w+|jobs?|postings?|openings?|recruitment|hiring)\b"
    r"[^.!?]{0,40}?\b(?:closed|filled|expired|paused|ended|over|no longer (?:open|accepting|available))\b|"
    r"\bno (?:current |open )?(?:positions|roles|openings|vacancies|jobs)\b|\bno longer (?:hiring|accepting)\b|"
    r"\b(?:not|n['’]t) (?:\w+ )?(?:hiring|recruiting|have any (?:open|current))\b|"
    r"\bthanks? (?:you )?to everyone who applied\b",
    _I,
)
_SEARCHES = re.compile(r"\b(?:looking for|are seeking)\b", _I)
_SOUGHT_PEOPLE = re.compile(r"\b(?:people|someone|somebody|talent|colleagues?|teammates?|to join)\b", _I)
_CERTIFICATE = (
    r"(?:SOC ?[123]|ISO[ /]?(?:IEC )?\d{4,5}|HIPAA|PCI[ -]DSS|FedRAMP|GDPR|CCPA|DORA|NIS ?2|HITRUST|CMMC|TISAX|C5|"
    r"StateRAMP|EU AI Act|AI Act)"
)
_REGULATION = re.compile(
    rf"\b(?:(?<!to )(?:achiev(?:es?|ed)|obtain(?:s|ed)?|attain(?:s|ed)?)|earn(?:s|ed)|receiv(?:es|ed)|"
    rf"complet(?:es|ed)|pass(?:es|ed)|awarded|granted|"
    rf"(?:is|are|['’]re|am) (?:now|officially))\b.{{0,50}}?{_CERTIFICATE}|"
    rf"{_CERTIFICATE}.{{0,40}}?\b(?:achieved|obtained|comes? into (?:force|effect)|takes? effect|"
    rf"came into (?:force|effect)|"
    r"is here|authorized|(?:certification|attestation) complete)|"
    r"\b(?:Act|Directive|Regulation|law)\b.{0,40}?\b(?:comes?|came|goes|went) into (?:force|effect)"
)
_PRICE = re.compile(
    r"\b(?:our new|new|updat(?:ed|ing)|simplif\w+|chang(?:ed|ing)|announc\w+|introduc\w+|launch\w*|lower|"
    r"reduc\w+)\b(?:\s+\w+){0,3}?\s+(?:pricing|prices?)\b"
    r"(?!\s+(?:page|model (?:for|of)|plan for|calculator|experiment))|"
    r"\b(?:pricing|price)\s+(?:changes?|updates?|cuts?|drops?|increases?|reductions?)\b|"
    r"\b(?:lower(?:ed|ing)|cut(?:ting)?|rais(?:ed|ing)|increas(?:ed|ing)|reduc(?:ed|ing)|dropp(?:ed|ing)|slash\w*)\s+"
    r"(?:our|the|all)\s+(?:\w+\s+){0,2}(?:prices?|pricing|fees)\b|\b(?:is|are) now (?:completely )?free\b",
    _I,
)
_NAMED_EVENT = re.compile(
    r"\b(?:webinar|conference|summit|meet-?up|hackathon|roadshow|expo|trade show|keynote|fireside chat|workshop|"
    r"user group|launch week|AMA|DevCon|live ?stream|forum)\b",
    _I,
)
_ATTENDS = re.compile(
    rf"\b(?:join us|see you|meet us|visit us|come (?:see|meet)|save the date|register)\b|"
    rf"\b{_WE}(?:(?:will|be|going|to)\s+){{0,2}}(?:be|host\w*|attend\w*|sponsor\w*|speak\w*|present\w*|exhibit\w*|"
    rf"held|holding|spoke|organi[sz]\w+|ran|running)\b|"
    rf"\b(?:next|this|last) (?:week|month|year)\b",
    _I,
)
# A conference or webinar needs a date or a name, so that the reader can look it up. A digit or a capitalized word is a
# sign of either.
_IS_IDENTIFIED = re.compile(r"\d|(?<=\s)[A-Z][\w'’-]+")
_CAMPAIGN = re.compile(
    r"\b(?:launch\w*|new|announc\w+|kick\w* off|start\w*|run(?:ning)?)\b(?:\s+\S+){0,5}?\s+(?:ad |advertising |"
    r"marketing |brand |awareness )?campaign\b"
    r"(?!\s+(?:manage|tool|feature|track|build|report|analytic))|"
    r"\b(?:rebrand(?:s|ed) (?:to|as)|our new (?:brand|logo|look|brand identity|visual identity|name|website)|"
    r"changed? (?:our|its) name|renam(?:ed|ing) (?:to|ourselves|the company)|is becoming|now called|giveaway)\b",
    _I,
)
_LAUNCH_FIRST = re.compile(
    r"^(?:(?:today|now|finally),?\s+)?(?:introducing|announcing|unveiling|say hello to|now available|"
    r"now in (?:public |private )?(?:beta|preview)|now live|new release|just launched|"
    r"just shipped)\b(?!\s+(?:the winners|yourself|a problem))",
    _I,
)
_LAUNCH_VERB = (
    r"(?:launch(?:ed|ing)|unveil(?:ed|ing)|introduc(?:ed|ing)|releas(?:ed|ing)|roll(?:ed|ing) out|debuted|shipped|"
    r"announc(?:ed|ing)|open(?:ed|ing)\s+(?:(?:a|an|our|its|the|new|second|third|first)\s+){1,3})"
)
_HELPERS = (
    r"(?:(?:have|has|had|also|then|just|now|recently|finally|are|is|today|officially|publicly|proudly|"
    r"\w+(?:ed|lt) and)\s+){0,3}"
)
_AVAILABLE_NOW = re.compile(
    r"\b(?:is|are) (?:now )?(?:generally available|in (?:public |private |open )?(?:beta|preview))\b|"
    r"\b(?:is|are) now (?:live|available|open|out)\b|\b(?:is|are) here$|"
    r"\b(?:today|this week),? .{3,60}\b(?:was|is|are|being) (?:released|launch\w+|announced)\b",
    _I,
)
_STARTED = re.compile(
    r"\bnow supports?\b|\bstarted (?:providing|offering|supporting)\b|\bgeneral availability of\b", _I
)
_NEWS_VERB = re.compile(
    r"\b(?:launches|launched|unveils|unveiled|introduces|introduced|releases|released|rolls out|debuts|announces|"
    r"announced|opens|now supports?|is now|are now|reaches|adds)\b",
    _I,
)
# Words that introduce a subordinate clause. In "since we launched", the launch is only a time reference.
_SUBORDINATES = re.compile(
    r"\b(?:that|which|what|when|though|although|since|after|before|because|as|until|while|where|how|why|than|"
    r"(?:\w+ )?(?:week|day|month|year|time|moment|hour|things?|everything|products?|features?|one))\s+$",
    _I,
)
# Words for things that are not products: "The recordings are now available" does not announce a product launch.
_NO_PRODUCT = re.compile(
    r"\b(?:talks?|recordings?|videos?|slides?|episodes?|articles?|posts?|tickets?|registrations?|playlists?|agenda|"
    r"applications?|books?|report|website|page|docs|documentation|they|it|he|she)\b",
    _I,
)
_FIRST_PERSON = re.compile(r"\b(?:we|we['’]re|we['’]ve|our|us)\b", _I)
_VERSION = re.compile(
    r"\b(?:v?\d+\.\d+(?:\.\d+)?|v\d+)\b.{0,20}\b(?:released|release|is (?:here|out)|available)\b|"
    r"\breleased?\b.{0,10}\bv?\d+\.\d+",
    _I,
)
# Matches headlines such as "ownCloud 9.0 released", which may be about another company's product.
_OTHER_PRODUCT = re.compile(r"(?!v?\d|[Vv]ersion|[Rr]elease|[Nn]ew|[Aa]nnounc)[\w-]+\s+v?\d+\.\d+\s+released?\b")
# Excludes "We are launching Acme Vault next quarter". Otherwise, the date of the post would be used as the date of the
# launch.
_NOT_YET = re.compile(r"\bnext (?:year|quarter|month)\b", _I)
# Matches news whose subject is a name. If this is not the company's name, the news is about another company: "Managed
# Acme: Northgate launches cloud storage" is news about Northgate.
_NEWS_OF_OTHER = re.compile(rf"[A-Z][\w&.-]+(?: [A-Z][\w&.-]+)?\s+{_NEWS_VERB.pattern}")


def event(text: str, company: str, *, is_headline: bool) -> TriggerKind | None:
    """Return the kind of event that the text reports, if any.

    If the text is a headline, this function checks its subject. If the text is a sentence, the caller must check that
    it is about the company.
    """
    if _NO_EVENT.search(text) or text.endswith(("?", ":")):
        return None
    is_own = not is_headline or _is_own(text, company)
    return next((k for k in _KINDS if _reports(k, text, company, is_headline=is_headline, is_own=is_own)), None)


# The first match wins, so the broadest kind comes last: "Announcing our Series B" matches the patterns for funding and
# for launches, and must count as funding.
_KINDS: tuple[TriggerKind, ...] = (
    "acquisition",
    "funding",
    "hire",
    "regulation",
    "price_change",
    "campaign",
    "event",
    "launch",
)


_PATTERNS: dict[TriggerKind, re.Pattern[str]] = {
    "acquisition": _ACQUISITION,
    "funding": _FUNDING,
    "regulation": _REGULATION,
    "price_change": _PRICE,
    "campaign": _CAMPAIGN,
}


def _reports(kind: TriggerKind, text: str, company: str, *, is_headline: bool, is_own: bool) -> bool:
    if kind == "launch":
        return _is_launch(text, company, is_headline=is_headline, is_own=is_own)
    if kind == "hire":
        return hired(text) or (is_own and bool(_BROUGHT_IN.search(text)))
    if kind == "event":
        return bool(_NAMED_EVENT.search(text) and _ATTENDS.search(text) and _IS_IDENTIFIED.search(text))
    if kind == "funding" and is_headline and _FUNDING_HEADING.match(text) and len(text.split()) <= _MAX_LABEL_WORDS:
        return True
    return is_own and bool(_PATTERNS[kind].search(text)) and not (kind == "acquisition" and _OF_MARKETING.search(text))


def _is_own(headline: str, company: str) -> bool:
    return has_words(short_name(company), headline) or bool(_FIRST_PERSON.search(headline))


def _is_launch(text: str, company: str, *, is_headline: bool, is_own: bool) -> bool:
    if _LAUNCH_FIRST.search(text) and (is_headline or len(text.split()) > 3):
        return True
    if _NOT_YET.search(text):
        return False
    if is_headline:
        news = next((part for part in re.split(r":\s+", text) if _NEWS_VERB.search(part)), "")
        is_ours = news and (_is_own(news, company) or not _NEWS_OF_OTHER.match(news))
        return bool(
            (is_own and is_ours)
            or _releases(company).search(text)
            or (_VERSION.search(text) and not _OTHER_PRODUCT.match(text))
        )
    has_launched = any(is_main(text[: match.start()]) for match in _launches(company).finditer(text))
    return bool(has_launched or _AVAILABLE_NOW.search(text) or _STARTED.search(text))


@lru_cache(maxsize=CACHED_COMPANIES)
def _launches(company: str) -> re.Pattern[str]:
    """Return a pattern that matches a launch by the company: 'we just launched', 'the Acme team has released'."""
    own_name = rf"{re.escape(company)}(?: team)?|{re.escape(short_name(company))}"
    subject = rf"(?:we|we['’]ve|we['’]re|our (?:\w+ )?team|{own_name})"
    return re.compile(rf"\b{subject}\s+{_HELPERS}{_LAUNCH_VERB}(?!\w)", _I)


@lru_cache(maxsize=CACHED_COMPANIES)
def _releases(company: str) -> re.Pattern[str]:
    """Return a pattern that matches a new version of the company's product: 'Acme 12 brings ...', 'Acme 3.1 is out'."""
    return re.compile(
        rf"\b{re.escape(short_name(company))}(?: [A-Z]\w+)? v?\d+(?:\.\d+)*\s+(?:brings|out\b|"
        r"is (?:here|out|available)|introduc\w+|arrives|lands|adds|comes with|released)\b",
        _I,
    )


def is_main(before: str) -> bool:
    """Whether the text after `before` is a main clause, and not a subordinate clause such as 'when we launched'."""
    return not _SUBORDINATES.search(before)


def is_plain_launch(text: str) -> bool:
    """Whether the text says that something is now available, regardless of the subject."""
    return bool(_AVAILABLE_NOW.search(text)) and not (
        _NO_PRODUCT.search(text) or _NO_EVENT.search(text) or text.endswith("?")
    )


def hired(text: str) -> bool:
    """Whether the text says that a person took a job, and names the title of that job."""
    match = _JOINS.search(text) or _APPOINTS.search(text) or _NEW_TITLE.search(text)
    return bool(match and TITLE.search(re.split(r"[.;:(]", match["title"])[0]))


def is_hiring(text: str) -> bool:
    """Whether the text says that the company is hiring. 'We are looking for feedback' is not about hiring."""
    if not _HIRING.search(text) or CLOSED.search(text) or _NO_HIRING.search(text):
        return False
    return not _SEARCHES.search(text) or bool(_SOUGHT_PEOPLE.search(text) or JOB.search(text))
