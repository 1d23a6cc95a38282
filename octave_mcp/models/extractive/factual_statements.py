"""Recognizes English statements of fact, as opposed to slogans, opinions and references to other texts."""

from __future__ import annotations

import re

from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.attribution import short_name
from octave_mcp.models.extractive.quoting import stands_alone, without_lead

_POINTS = re.compile(
    r"^(?:let['’]?s|you can (?:also )?(?:read|explore|find|see|check|learn|view|watch|follow|download|reach|contact|"
    r"use (?:it|this))|read|see also|check out|stay tuned|here (?:is|are|['’]s)|for more|more (?:info|about)|"
    r"learn|click|visit|note that|please|thanks?|welcome|sorry|good luck|wow|for example|e\.g\.)\b|"
    r"\b(?:read more|learn more|click here|filtered live|see below|as you can see|in this (?:post|article|guide|"
    r"tutorial|blog|section|page|document|example|video|talk|episode)|stay tuned|(?:below|above)[.:]?$|"
    r"happy to help|here to help|in touch|media kit|press kit|brand assets)\b|^(?:we|our) \w+ (?:hope|think|believe)\b",
    re.IGNORECASE,
)
_NO_FACT = re.compile(
    r"\b(?:should(?:n['’]t)?|would(?:n['’]t)?|could(?:n['’]t)?|might|must|ought|shall|hereby|pursuant|"
    r"reasonable efforts|not required to|breath of fresh air|just so|all we have to|"
    r"imagine|if (?:we|you)|"
    r"we (?:hope|think|believe|feel|felt|wish|knew|thought|guess|wonder(?:ed)?|realized|suspect|(?:do not|don['’]t) "
    r"(?:know|think|want))|we(?:['’]re| are| were) (?:\w+ )?(?:excited|happy|thrilled|proud|glad|pleased|grateful|"
    r"greateful|thankful|sorry|delighted|starting to|trying|going to (?:see|look|use|talk))|"
    r"(?:will|we['’]ll) (?:see|look|use|talk|cover|explain|show you|walk|dive|learn|go (?:through|over)))\b",
    re.IGNORECASE,
)
# Excludes sentences that only introduce the next sentence or say little: 'Acme has three features', 'Acme is fast and
# easy.'
_VAGUE = re.compile(
    r"\b(?:two|three|four|five|several|some|the following|a few) (?:\w+ ){0,2}?(?:features|ways|options|reasons|things|"
    r"steps|parts|areas|principles)\b|\bsimilar (?:solution|approach|feature|thing|tool)s?\b|"
    r"\bone more thing\b|\blandscape\b|^having\b|\btechnical stuff\b|\bbargain\b|"
    r"\bnot the right\b|\breplaces that\b|\b(?:is|are) still\b|\bhard to act on\b|"
    r"^\W*(?:\w+ ){1,2}is (?!an?\b|the\b|now\b)(?:[\w-]+ ){1,4}[\w-]+\.$|"
    r"\b(?:conscious|aware) of\b|\bwe know\b",
    re.IGNORECASE,
)
_MALFORMED = re.compile(r"!\W{0,20}$|&\w+;|\s[,.;](?:\s|$)|\.\.\.|…|\(\s|\bTL;?DR\b|:$")
_ANNOUNCES = re.compile(r"\b(?:announce|introduc\w+|launch\w*|releas\w+|raised|acquir\w+|join\w*)\b", re.IGNORECASE)
_ABOUT_OTHERS = re.compile(
    r"^(?:most|many|some|other|traditional|typical|all|modern|today['’]s|existing|legacy|common|no other|few)\s+"
    r"(?:\w+\s+){0,3}?\w+s\b",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(
    r"\b(?:imprint|impressum|sub-?processors?|agreements?|policy|policies|terms|dpa|status|uptime|disclosure|legal|"
    r"(?:security|privacy|compliance) (?:overview|statement|notice|documentation)|statement|notice|licen[cs]e key|"
    r"certificates?|press|media|brand|kit|faqs?|questions|contact|support hours|requirements?|exceptions?)\b",
    re.IGNORECASE,
)
_STEP = re.compile(
    r"^(?:for|when|if|how|step|tip|other|example|why|what|where|who|next|first|before|after|note|lesson|chapter|"
    r"module|appendix|part|section|unit|phase|day|week|\d+|there['’]s|by|"
    r"the problem|"
    r"our (?:team|story|values|mission)|use case)\b|\?$|\b(?:example|tips?|step \d|optimi[sz]ations)\b",
    re.IGNORECASE,
)
_OTHER_LISTS = re.compile(
    r"\b(?:teams use|use .{1,200} for|used (?:for|by)|who (?:is|uses|it)|use cases?|examples?|how to|tips|steps?|"
    r"documents?|legal|polic(?:y|ies)|resources|further reading|related|requirements?|process|learn|glossary|"
    r"definitions?|what (?:is|are)|law|act|regulation|directive|articles?|guides?|checklist|mistakes|problems?|"
    r"challenges|alternatives?|without|before|versus|vs|best practices|types of|benefits of|responsibilities|"
    r"exclu\w+|scope|you will|your (?:role|profile)|qualifications|interview|culture|diversity|values|talks?|agenda|"
    r"events?|you (?:should|need|bring)|who we|we look)\b",
    re.IGNORECASE,
)
_SLOGAN = re.compile(
    r"^(?:make|drive|accelerate|unlock|transform|empower|take control|shape|boost|simplify|expand|discover|explore|"
    r"join|learn|become|enjoy|love|meet|start|stop|go|grow|be|don['’]t|never|experience|supercharge|elevate|unleash|"
    r"say|think|imagine|feel|focus|forget|move|stay|scale|ship|work|power|reach|win|let|leverage|innovate|ready|"
    r"trust|rethink|turbocharge|maximi[sz]e|optimi[sz]e|modernize|future-proof|embrace|find out|try|book|talk|ask|"
    r"understand|bring|build|create|achieve|deliver|redefine|kickstart|reimagine|reinvent|"
    r"get (?:industry|started|ready|inspired|inspiration|more|your|closer|ahead|a feel)|gain (?:an?|"
    r"the) (?:competitive|better|deeper)|"
    r"keep your|save (?:time|money)|tap into|put)\b",
    re.IGNORECASE,
)
_HYPE_TITLE = re.compile(
    r"^(?:accelerate|drive|unlock|transform|empower|innovate|shape|boost|unleash|supercharge|gain|rethink)\b",
    re.IGNORECASE,
)
# Words that begin the description of a product's function: 'Export a month of data as CSV', 'Easily connect your
# warehouse'.
_FUNCTION = re.compile(
    r"^(?:add|access|analy[sz]e|apply|assign|audit|automate|automatically|backup|block|bundle|capture|choose|collect|"
    r"combine|compare|configure|connect|control|convert|customi[sz]e|define|deliver|deploy|design|detect|download|"
    r"easily|edit|embed|enable|enforce|exclude|export|extend|filter|follow|gain|generate|get|give|group|host|identify|"
    r"import|inspect|install|instantly|integrate|invite|keep|launch|limit|link|list|log|manage|map|measure|migrate|"
    r"monitor|open|organi[sz]e|pair|pick|plan|prevent|preview|protect|provision|publish|query|quickly|receive|record|"
    r"reduce|replace|replay|report|restrict|roll out|route|run|save|schedule|search|secure|securely|see|segment|select|"
    r"send|set|set up|share|show|spin up|split|start|store|stream|switch|sync|target|test|track|train|trigger|turn|"
    r"update|upload|use|validate|verify|view|visuali[sz]e|watch|work|write)\b",
    re.IGNORECASE,
)
_ENABLES = re.compile(
    r"^you(?:['’]ll|\s+(?:can|will|get|are able to))\b|\b(?:helps?|lets?|allows?|enables?|gives?|saves?) you\b|"
    r"\b(?:so|that) you can\b|\byou (?:can|get)\b",
    re.IGNORECASE,
)
# If an imperative has fewer words than this, it counts as a slogan: 'Connect your data'.
_MIN_FUNCTION_WORDS = 6
# Only the first six words are searched for the subject, because English sentences usually name it early.
_SUBJECT_WORDS = 6


def states(text: str) -> bool:
    """Whether a sentence states a fact and can be understood without the text around it."""
    text = re.sub(r"^(?:P\.?S\.?:?|TL;?DR:?)\s+", "", without_lead(text))
    return (
        text[:1] not in "([{"
        and not (
            _POINTS.search(text)
            or _NO_FACT.search(text)
            or _VAGUE.search(text)
            or _MALFORMED.search(text)
            or _ABOUT_OTHERS.search(text)
        )
        and stands_alone(text)
    )


def defines(text: str) -> bool:
    """Whether the first sentence of a site's description says what the company is or does."""
    first = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]
    return states(first) and not (_SLOGAN.search(first) or _FUNCTION.search(first))


def announces(text: str) -> bool:
    """Whether a sentence announces news.

    This check is separate from `states`, because `states` rejects sentences such as 'We are excited to announce ...'.
    """
    return bool(_ANNOUNCES.search(text)) and not re.search(r"\b(?:should|would|could|might)\b", text)


def lists_features(heading: str) -> bool:
    """Whether the list below a heading can be a list of features."""
    return not _OTHER_LISTS.search(heading)


def describes(title: str, text: str, company: str) -> bool:
    """Whether a text says what the product or feature in its title is, or what it does for its users."""
    text = re.sub(r"^It\b", title.split(":", maxsplit=1)[0], without_lead(text.strip()))
    if (
        title[:1].islower()
        or _DOCUMENT.search(title)
        or _STEP.search(title)
        or not states(text)
        or is_other_title(title)
    ):
        return False
    if _SLOGAN.search(text):
        return False
    if _FUNCTION.search(text):
        return not _HYPE_TITLE.search(title) and len(text.split()) >= _MIN_FUNCTION_WORDS and not text[0].islower()
    return is_about(title, text, company)


def is_other_title(title: str) -> bool:
    """Whether a title shows that its list contains something other than features: 'Use cases', 'Related articles'."""
    return bool(_OTHER_LISTS.search(title)) or title.endswith("!")


def is_about(title: str, text: str, company: str) -> bool:
    """Whether a text is about the feature in its title, about the company, or about what users can do."""
    first = " ".join(text.split()[:_SUBJECT_WORDS])
    own = has_words(short_name(company), first) or re.search(r"\b(?:we|we['’]\w+|our)\b", first, re.IGNORECASE)
    names = {word.casefold() for word in re.findall(r"\w{4,}", title)}
    shared = any(
        word.casefold().rstrip("s") in {name.rstrip("s") for name in names} for word in re.findall(r"\w{4,}", first)
    )
    # If the text has no final punctuation, it is probably a label in a list of features.
    return bool(own or shared or _ENABLES.search(text)) or not re.search(r"[.!?]$", text)
