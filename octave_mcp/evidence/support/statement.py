"""Defines `Statement`, a claim with its quotations, which the rules check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Evidence, Passage
from octave_mcp.domain.names import normal
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.containment import MAX_LABEL_WORDS, RETRACTING, has_line, is_sentence_of
from octave_mcp.evidence.support.lexicon import COMMON_WORDS
from octave_mcp.evidence.support.naming import has_name
from octave_mcp.evidence.support.wording import Word, Wording, best_clause, is_among, joined, shares, wording

# Questions and sales copy make no claims, so only their details, such as figures, names and addresses, are checked.
Kind = Literal["fact", "inference", "question", "copy"]


# To support a claim, a clause, its heading and its page title must together contain at least this share of the claim's
# words.
MIN_CLAIM_SHARE = 0.8
# The claim must contain at least this share of the clause's words. A claim that omits more words could omit a
# restriction, such as "for the first 30 nights of the year".
MIN_CLAUSE_SHARE = 0.7
NARROWING = frozenset("only all every each always never best first most".split())
_WORDS = re.compile(r"[\w%/]+")


class Quoted(NamedTuple):
    """A quotation, with information on its page.

    `role`: the role of the company that owns the page: vendor or prospect. `around`: the passage that contains the
    quotation. `published_on`: an ISO date, or "" if unknown.
    """

    text: str
    role: Role
    title: str = ""
    heading: str = ""
    around: str = ""
    url: str = ""
    published_on: str = ""


def quoted(evidence: Evidence, passage: Passage | None = None) -> Quoted:
    """Convert evidence to a quotation that the rules can check. `passage` is the cited passage, if it is known."""
    return Quoted(
        text=evidence.quote,
        role=evidence.role,
        title=evidence.page_title,
        heading=passage.heading if passage else "",
        around=f"{evidence.label}\n{passage.text if passage else ''}".strip(),
        url=evidence.url,
        published_on=evidence.published_on.isoformat() if evidence.published_on else "",
    )


@dataclass(frozen=True)
class Statement:
    """A claim with its evidence.

    `vendor`, `prospect`: names of the companies, or "" if unknown. `context`: the user's text about the deal. `known`:
    names that need no evidence. `shown`: texts, such as passages. Questions and sales copy can use the names in them.
    """

    text: str
    kind: Kind
    vendor: str
    prospect: str
    evidence: tuple[Quoted, ...]
    context: str = ""
    known: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    @property
    def is_claim(self) -> bool:
        """Whether the statement is a fact or an inference that has evidence and contains a sentence.

        A single name or title is too short for a comparison of words.
        """
        return self.kind in {"fact", "inference"} and bool(self.evidence) and bool(self._sentences)

    @property
    def is_readable(self) -> bool:
        """Whether the statement is a claim and all texts are in English, so that rules can compare their words."""
        return self.is_claim and self.is_english

    @cached_property
    def _sentences(self) -> tuple[str, ...]:
        """The normalised lines that are sentences. A sentence has at least five words, or ends with "." or "!"."""
        lines = map(str.strip, self.text.split("\n"))
        return tuple(normal(line) for line in lines if line.count(" ") >= MAX_LABEL_WORDS or line.endswith((".", "!")))

    @cached_property
    def is_verbatim(self) -> bool:
        """Whether every sentence of the claim is a sentence of a quotation."""
        quotes = [normal(quotation.text) for quotation in self.evidence]
        return bool(self._sentences) and all(
            any(is_sentence_of(line, text) for text in quotes) for line in self._sentences
        )

    @cached_property
    def is_copied(self) -> bool:
        """Whether every line of the claim is in a quotation or its heading, so that the claim adds nothing."""
        texts = [normal(text) for quotation in self.evidence for text in (quotation.text, quotation.heading) if text]
        lines = map(normal, filter(str.strip, self.text.split("\n")))
        return bool(texts) and all(any(has_line(text, line) for text in texts) for line in lines)

    @cached_property
    def is_only_names(self) -> bool:
        """Whether the claim consists only of names and titles from the quotations, their headings and page titles."""
        quoted_texts = " / ".join(
            _words_of(f"{quotation.text} / {quotation.heading} / {quotation.title}") for quotation in self.evidence
        )
        names = map(_words_of, filter(str.strip, self.text.split("\n")))
        return not self._sentences and all(f" {name} " in f" {quoted_texts} " for name in names)

    def page_owner(self, quotation: Quoted) -> str:
        """Return the name of the company whose page is quoted; "" if the name is unknown."""
        return self.prospect if quotation.role == "prospect" else self.vendor

    @property
    def companies(self) -> tuple[tuple[str, Role], ...]:
        """The names of the vendor and the prospect, if known, with their roles. The prospect comes first."""
        both: tuple[tuple[str, Role], ...] = ((self.prospect, "prospect"), (self.vendor, "vendor"))
        return tuple((name, role) for name, role in both if name)

    @property
    def free_names(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.vendor, self.prospect, *self.known)))

    @cached_property
    def claim(self) -> Wording:
        return wording(self.text)

    @cached_property
    def quotes(self) -> tuple[Wording, ...]:
        return tuple(wording(quotation.text) for quotation in self.evidence)

    @cached_property
    def quoted_text(self) -> str:
        """The text of all quotations."""
        return "\n".join(quotation.text for quotation in self.evidence)

    @cached_property
    def headings(self) -> str:
        return "\n".join(dict.fromkeys(quotation.heading for quotation in self.evidence if quotation.heading))

    @cached_property
    def titles(self) -> str:
        return "\n".join(dict.fromkeys(quotation.title for quotation in self.evidence))

    @cached_property
    def lowers(self) -> frozenset[str]:
        """The words of the quotations, page titles and headings, in lower case."""
        return joined(text.lowers for text in (*self.quotes, *self._headline_wordings))

    @cached_property
    def keys(self) -> frozenset[str]:
        return joined(text.keys for text in (*self.quotes, *self._headline_wordings))

    @property
    def _headline_wordings(self) -> tuple[Wording, ...]:
        return wording(self.titles), wording(self.headings)

    @cached_property
    def content(self) -> tuple[Word, ...]:
        """The claim's content words, except names that need no evidence.

        Such names are in many sentences, so a shared name does not show that two sentences match.
        """
        free_words = joined(wording(name).lowers for name in self.free_names)
        return tuple(word for word in self.claim.words if word.is_content and word.lower not in free_words)

    @cached_property
    def content_keys(self) -> frozenset[str]:
        return joined(word.keys for word in self.content)

    @cached_property
    def clauses(self) -> tuple[tuple[Word, ...], ...]:
        """The clause of each quotation that shares the most words and figures with the claim."""
        wanted = (*self.content, *(word for word in self.claim.words if word.is_figure))
        return tuple(best_clause(wanted, quote) for quote in self.quotes)

    def is_about(self, words: tuple[Word, ...]) -> bool:
        """Whether at least one of these words from a quotation is also a content word of the claim."""
        return any(shares(word, self.content_keys) for word in words)

    @cached_property
    def share_quoted(self) -> float:
        """The share of the claim's content words that are in the quotations, page titles or headings, from 0 to 1."""
        return _weighted_share(self.content, self.keys)

    @cached_property
    def is_plainly_quoted(self) -> bool:
        """Whether one clause of a quotation contains all figures and nearly all words of the claim.

        The clause must not add a negation or a year.
        """
        return self.is_english and any(
            self._is_said_in(words) for quote in self.quotes for words in quote.clauses if not is_asked(words, quote)
        )

    @cached_property
    def _claim_wordings(self) -> tuple[Wording, ...]:
        return (self.claim, *map(wording, self.free_names))

    @cached_property
    def _required_words(self) -> frozenset[str]:
        """The words of the claim that a supporting clause must contain: figures, and words such as "only" and "all"."""
        figures = {word.lower for word in self.claim.words if word.is_figure}
        return (self.claim.lowers & NARROWING) | figures

    def _is_said_in(self, words: tuple[Word, ...]) -> bool:
        clause_words = frozenset(word.lower for word in words)
        if not self._required_words <= clause_words:
            return False
        extra = clause_words - joined(text.lowers for text in (*self._claim_wordings, *self._headline_wordings))
        if any(word in RETRACTING or _YEAR.fullmatch(word) for word in extra):
            return False
        keys = joined((*(word.keys for word in words), *(text.keys for text in self._headline_wordings)))
        content = [word for word in words if word.is_content]
        is_enough = _weighted_share(self.content, keys) >= MIN_CLAIM_SHARE
        return (
            is_enough
            and _weighted_share(content, joined(text.keys for text in self._claim_wordings)) >= MIN_CLAUSE_SHARE
        )

    def mentions(self, name: str) -> bool:
        return bool(name) and has_name(name, self.text)

    @cached_property
    def is_english(self) -> bool:
        """Whether the claim and all quotations are in English."""
        return all(map(reads_as_english, (self.text, *(quotation.text for quotation in self.evidence))))


def hard(rule: str, text: str) -> Iterator[Problem]:
    """Yield a problem that rejects the claim. Only rules that are rarely wrong should use this function."""
    yield Problem(rule, text)


def soft(rule: str, text: str) -> Iterator[Problem]:
    """Yield a problem that does not reject the claim, but leaves the decision to a model or the reader."""
    yield Problem(rule, text, is_soft=True)


def _words_of(text: str) -> str:
    return " ".join(_WORDS.findall(normal(text)))


_YEAR = re.compile(r"(?:19|20)\d\d")

# Weight of common words, such as "team" or "product", when shares of words are calculated. All other words have the
# weight 1.
_COMMON_WEIGHT = 0.4


def _weighted_share(words: Sequence[Word], keys: frozenset[str]) -> float:
    weights = [(_weight(word), not word.keys.isdisjoint(keys)) for word in words]
    total = sum(weight for weight, _ in weights)
    return sum(weight for weight, is_shared in weights if is_shared) / total if total else 1.0


def is_asked(words: Sequence[Word], quote: Wording) -> bool:
    """Whether the quotation has a question mark after these words."""
    last = words[-1]
    return quote.text[last.start + len(last.text) :].lstrip(" \"')")[:1] == "?"


def _weight(word: Word) -> float:
    return _COMMON_WEIGHT if is_among(word, COMMON_WORDS) else 1.0


_LETTERS = re.compile(r"[^\W\d_]+")
_ENGLISH_FUNCTION_WORDS = frozenset(
    "the of and to a is that for with on as are was by an be its has have from this it in at".split()
)
_OTHER_FUNCTION_WORDS = {
    "de": "der die das und ist nicht ein eine mit für auf den dem von zu im sich auch wird werden bei nach",
    "fr": "le la les des et est une un pour dans que qui sur avec pas par plus du au aux nous vous",
    "es": "el la los las de y es una un para en que con por del no más se su como al",
    "it": "il la le di e è una un per in che con non del della dei si più sono da",
    "pt": "o a os as de e é uma um para em que com não do da dos mais se por",
    "nl": "de het een en van is niet met voor op zijn dat te aan bij ook wordt door naar",
}
_DISTINCT_FUNCTION_WORDS = {
    code: frozenset(words.split()) - _ENGLISH_FUNCTION_WORDS for code, words in _OTHER_FUNCTION_WORDS.items()
}

_FUNCTION_WORDS = _ENGLISH_FUNCTION_WORDS.union(*_DISTINCT_FUNCTION_WORDS.values())
# A text with a larger share of non-ASCII letters counts as text in a non-Latin script.
_MAX_NON_ASCII_SHARE = 0.25


@lru_cache(maxsize=8192)
def language_of(text: str) -> str:
    """Return the language of a text, based on its function words: "en" in case of doubt, "" for a non-Latin script."""
    words = _LETTERS.findall(text.lower())
    if not text.isascii() and _non_ascii_share("".join(words)) > _MAX_NON_ASCII_SHARE:
        return ""
    known = [word for word in words if word in _FUNCTION_WORDS]
    others = [word for word in known if word not in _ENGLISH_FUNCTION_WORDS]
    english = len(known) - len(others)
    if len(others) <= max(1, english):
        return "en"
    counts = {
        code: sum(word in function_words for word in others)
        for code, function_words in _DISTINCT_FUNCTION_WORDS.items()
    }
    code, count = max(counts.items(), key=lambda item: item[1])
    return code if count > max(1, english) else "en"


def _non_ascii_share(letters: str) -> float:
    return 1 - len(letters.encode("ascii", "ignore")) / max(1, len(letters))


def reads_as_english(text: str) -> bool:
    return language_of(text) == "en"
