"""Classifies headings as product names, slogans, generic headings or changes of subject."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from octave_mcp.domain.names import normal
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.typed_lines import Line, Section

# If a heading has more words than this, it is probably a slogan or a sentence and not a product name.
MAX_NAME_WORDS = 6

# Verbs that begin a slogan or a request: 'Ship faster', 'Automate your invoices'. Some of these verbs are also nouns
# ('Access', 'Control'). `_NOUN_FIRST` recognizes the noun by the next word.
_VERBS = (
    "accelerate accept access achieve adapt add adopt align analyze analyse answer apply ask attract automate avoid "
    "be become "
    "begin book boost break bring browse build buy calculate call capture catch centralize change chat check choose "
    "click close collaborate collect combine come communicate compare compete configure connect consolidate contact "
    "control convert coordinate create customize cut debug define delight deliver deploy design detect develop "
    "diagnose discover do download drive earn elevate eliminate embed empower enable engage enhance enjoy ensure "
    "enrich "
    "expand experience explore extend extract filter find fix focus follow free fuel gain generate get give go grow "
    "guide handle harness hear help hire host identify implement import improve increase innovate integrate invest "
    "join jump keep kickstart know land launch lead learn let level leverage listen live look love lower make manage "
    "maximize measure meet migrate minimize modernize monitor move navigate never offer open optimize orchestrate "
    "organize own partner pay perform personalize pick plan play power predict prepare prevent prioritize process "
    "produce protect prove provide publish put query raise reach read realize receive record redefine reduce reimagine "
    "remove replace request reserve resolve respond retain rethink review ride run safeguard save scale schedule "
    "secure see select sell send serve set shape share ship show sign simplify skip solve spend spot stand start stay "
    "stop store stream streamline strengthen submit succeed supercharge switch tailor take talk target tell test think "
    "track train transform try turn understand unify unleash unlock unsubscribe update upgrade use validate verify "
    "view visit visualize want watch win work write"
).split()
_OTHER_LEADS = (
    "you your we our i the a an this that these those it's it there here when where while if as because how why what "
    "who which whose is are can does did will should"
).split()
_REQUESTS, _LEADS = frozenset(_VERBS), frozenset((*_VERBS, *_OTHER_LEADS))
# Phrases whose first word is usually not an imperative: 'Access is limited', 'Open source', 'Access controls'.
_NOUN_FIRST = re.compile(
    r"\w+[- ](?:is|are|was|were|has|have|can|will|of|to|source|controls?|points?|code)\b", re.IGNORECASE
)
_INSTRUCTS = re.compile(
    r"(?:add|ask|apply|call|check|choose|click|configure|contact|copy|download|enter|explore|follow|go|install|join|"
    r"learn|open|paste|pick|read|register|request|review|select|set|sign|start|submit|take (?:an?|our|part|this)|"
    r"tag|tell|"
    r"try|type|update|upload|use|view|visit|watch|welcome|reserve|buy|order|shop)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(
    r"(?:(?:an?|our|key|all|main|core|the|product|platform|company|more|other|additional|popular)\s+)?"
    r"(?:products?|features?|platform|modules|services?|solutions?|capabilities|benefits|advantages|highlights|"
    r"overview|introduction|details|summary|home|homepage|pricing|plans?|prices|customers?|clients|about(?: us)?|"
    r"contact(?: us)?|careers|jobs|blog|news|press|resources|support|help|docs|documentation|guides?|faqs?|"
    r"industries|use cases?|integrations?|partners?|links?|menu|navigation|search|tutorials?|examples?|templates?|"
    r"login|sign ?up|demo|welcome|company|team|community|events?|videos?|webinars?|training|"
    r"get(?:ting)? started|quick ?start|changelog|roadmap|status|legal|terms|privacy(?: policy)?|security|download|"
    r"what (?:we|you) .*|how it works|specifications?|requirements|notes|conclusion|background|challenges?|results?|"
    r"简介|概述|介绍|功能|产品|灾难恢复|价格|概览|快速开始)"
    r"(?:\s+(?:overview|and \w+|& \w+|page|details|guide))?",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:faqs?|frequently|questions?|blog|articles?|resources|insights|news(?:room|letter)?|press|careers?|jobs?|"
    r"hiring|events?|webinars?|podcasts?|guides?|e-?books?|reports?|eligibility|terms|privacy|cookies?|reviews?|"
    r"testimonials?|case stud(?:y|ies)|stories|subscribe|contact|talk to|get in touch|get started|getting started|"
    r"about us|our team|meet the|leadership|footer|links|legal|disclaimer|related|recommended|also like|up to date|"
    r"learn more|read more|login|log in|sign (?:up|in)|cart|checkout|shipping|returns?|coupons?|% off|locations?|"
    r"documentation|changelog|release notes|best practices|glossary|slide|in the media|as seen|"
    r"what (?:our )?(?:customers|clients|people)|saying|say about|partners?|sponsors?|community)\b",
    re.IGNORECASE,
)


_ASIDE = re.compile(
    r"(?:^|[/-])(?:install\w*|instructions?|form|appform|conf\w*|conference|summit|meet-?ups?|events?|hackathon|"
    r"user-research|partners?\d*|providers|press|pr\d{6,8}|trademarks?|history|awards?|releases?|release-\w+|download|signup|setup|"
    r"\d+-?years|anniversary|media-kit|leadership(?:-team)?|our-team|jobs?|careers|brochures?|include|enterprise-day\S*|scholarships?|survey)"
    r"(?:[/-]|$)|/\d+-\d+/?$",
    re.IGNORECASE,
)
_STOP_WORDS = frozenset(
    "with your that this from have more than what when will into over them they their and the for you our are can all "
    "any how its not get use using based".split()
)
# The first five letters of a word serve as its stem: 'analytics', 'analysis' and 'analyze' share 'analy'. Words of one
# or two letters are ignored, but a word such as 'API' counts.
MIN_STEM, MAX_STEM = 3, 5


def is_not_product_page(url: str) -> bool:
    """Whether the URL is that of an event, a form, a guide or another page that presents no product."""
    return bool(_ASIDE.search(urlsplit(url).path))


def share_a_word(title: str, text: str, vendor: str) -> bool:
    """Whether both texts contain the same word, in any inflected form.

    Stop words and the vendor's name do not count as shared words.
    """
    return bool(_stems(title) & _stems(text) - _stems(vendor))


def _stems(text: str) -> frozenset[str]:
    words = re.findall(r"[^\W_]+", text.casefold())
    return frozenset(w[:MAX_STEM] for w in words if len(w) >= MIN_STEM and w not in _STOP_WORDS and not w.isdigit())


def is_imperative(text: str) -> bool:
    """Whether the text begins with an imperative: 'Ship faster'."""
    return _first_word(text) in _REQUESTS and not _NOUN_FIRST.match(text)


def is_instruction(text: str) -> bool:
    """Whether an imperative tells readers what to do ('Visit your settings').

    Imperatives that state a gain ('Ship faster') do not count.
    """
    return bool(_INSTRUCTS.match(text))


def _starts_a_phrase(text: str) -> bool:
    """Whether the text starts like a slogan, a question or a sentence: 'Ship faster', 'How it works', 'Your data'."""
    return _first_word(text) in _LEADS


def _first_word(text: str) -> str:
    return next(iter(re.findall(r"[\w'’]+", text.casefold())), "").replace("’", "'")


def is_part_of_a_page(text: str) -> bool:
    """Whether a heading is so generic that it could be on any company's page: 'Overview', 'Key features'."""
    return bool(_PARTS.fullmatch(text.strip(" .:")))


def leads_elsewhere(text: str) -> bool:
    """Whether the heading introduces text that is not about the product, such as questions, posts or jobs."""
    return text.rstrip().endswith("?") or bool(_ELSEWHERE.search(text))


def is_product_name(text: str) -> bool:
    """Whether a text can be a product's name, unlike slogans, sentences and generic headings."""
    words = text.split()
    return (
        1 <= len(words) <= MAX_NAME_WORDS
        and bool(re.search(r"[^\W\d_]{2}", text))
        and not re.search(r"[.!?:“”\"|%@…]|(?<!\w)[-–—](?!\w)|,[^,]*,", text.removesuffix("."))
        and not re.search(
            r"\b(?:you|your|we|our|us|is|are|for every|that|without|icon|image|as unique|best|top|award-winning|"
            r"leading|portfolio|#1|uses?|used|using|built|runs?|loves?|trusts?|chooses?)\b",
            text,
            re.IGNORECASE,
        )
        and not _starts_a_phrase(text)
        and not is_part_of_a_page(text)
        and not leads_elsewhere(text)
    )


def is_named_in_path(text: str, url: str, vendor: str) -> bool:
    """Whether the last segment of the URL contains the name: 'AWS Lambda' at '/lambda', 'Heatmaps' at '/heatmap'."""
    slug = {word.removesuffix("s") for word in _words(urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1])}
    name = {word.removesuffix("s") for word in _words(text)} - {"and", "the", "of", "for"}
    own = name - {word.removesuffix("s") for word in _words(vendor)}
    return bool(slug and own) and (own <= slug or slug <= name)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", normal(text))


def is_named_for(text: str, vendor: str) -> bool:
    """Whether the text is the vendor's name with up to three more words: 'PostHog Cloud'."""
    words = text.split()
    return has_words(vendor, text) and len(vendor.split()) < len(words) <= len(vendor.split()) + 3


def with_headings_above(sections: Sequence[Section]) -> Iterator[tuple[Section, tuple[Line, ...]]]:
    """Yield each section with its parent headings, the outermost heading first."""
    above: list[Line] = []
    for section in sections:
        if section.heading is None:
            yield section, ()
            continue
        above = [line for line in above if line.level < section.heading.level]
        yield section, tuple(above)
        above.append(section.heading)
