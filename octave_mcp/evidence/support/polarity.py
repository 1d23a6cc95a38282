"""Rules on opposite words, such as "fast" and "slow", and on opposite moods, such as "pleased" and "annoyed" (D40)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.denials import denying
from octave_mcp.evidence.support.lexicon import NEGATIONS
from octave_mcp.evidence.support.statement import Statement, soft
from octave_mcp.evidence.support.wording import Word, Wording, joined, stem


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Each pair consists of words and their opposites. For example, "still uses spreadsheets" contradicts "the spreadsheets
# are gone".
_OPPOSITE_KINDS: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (
        _set("still continue remain persist ongoing"),
        _set("gone stop stopped stopping ended cease ceased discontinue retire drop abandon quit eliminate cancel"),
    ),
    (
        _set("slow slower longer slowly delay sluggish"),
        _set("fast faster quick quicker quickly rapid sooner swift"),
    ),
    (
        _set("expensive dear pricey costlier pricier"),
        _set("cheap cheaper inexpensive affordable free low-cost"),
    ),
    (_set("stay keep retain remain"), _set("move leave drop remove lose abandon discard replace give")),
    (_set("outside external outsource"), _set("in-house internal ourselves")),
    (_set("start begin launch open"), _set("stop end cease close finish")),
    (_set("succeed success successful manage"), _set("fail failed failure unsuccessful")),
    (_set("join hire recruit"), _set("leave left quit dismiss resign depart fire lay")),
    (_set("add include introduce"), _set("remove exclude omit drop delete")),
    (_set("accept agree approve welcome allow permit"), _set("reject refuse decline deny forbid ban block prohibit")),
    (_set("earn receive collect"), _set("pay spend owe")),
    (_set("easy easily simple straightforward effortless"), _set("hard difficult complex complicated struggle")),
    (_set("optional voluntary"), _set("mandatory required compulsory obligatory")),
    (_set("lend give send supply sell export"), _set("borrow take receive buy import")),
    (_set("visible public open"), _set("hidden private closed secret confidential")),
    (_set("centralize consolidate unify combine merge"), _set("split scatter fragment separate divide")),
    (_set("remember"), _set("forget")),
    (_set("love like prefer favor enjoy"), _set("dislike hate avoid dread")),
    (_set("trust confident certain sure"), _set("doubt distrust unsure uncertain unclear")),
    (_set("enough sufficient ample plenty"), _set("insufficient inadequate scarce")),
    (_set("agree consent"), _set("disagree object oppose")),
    (_set("confirm prove verify"), _set("disprove refute contradict deny")),
    (_set("reveal disclose publish share"), _set("conceal hide withhold")),
    (_set("encourage urge recommend advise"), _set("discourage warn")),
    (_set("help enable support"), _set("hinder hamper prevent impede")),
    (_set("automatic automatically automate automated"), _set("manual manually hand")),
    (_set("always constantly"), _set("seldom rarely never hardly")),
    (_set("often frequently regularly"), _set("seldom rarely never hardly")),
    (_set("most majority"), _set("few minority")),
    (_set("ahead early beforehand"), _set("behind late overdue")),
    (_set("previously formerly earlier past"), _set("currently future upcoming")),
    (_set("temporary trial interim"), _set("permanent permanently good")),
    (_set("rise climb grow increase surge"), _set("stagnate flat plateau unchanged")),
    (_set("attract win gain"), _set("lose shed repel")),
    (_set("enter"), _set("exit leave")),
    (_set("encrypt mask anonymize"), _set("plain plaintext unencrypted")),
    (_set("extend prolong renew"), _set("shorten terminate expire")),
    (_set("approve certify pass"), _set("fail reject")),
    (_set("invest fund"), _set("divest")),
    (_set("unite agree"), _set("dispute")),
    (_set("build develop"), _set("demolish dismantle")),
    (_set("profit profitable"), _set("loss deficit unprofitable")),
    (_set("buy acquire purchase"), _set("sell")),
    (_set("upfront prepaid advance"), _set("arrears afterwards")),
    (_set("all everyone everything every"), _set("none nobody nothing")),
    (_set("rent lease"), _set("own bought")),
    (_set("hosted cloud"), _set("self-hosted on-premise on-premises")),
    (_set("answer reply respond"), _set("ignore")),
    (_set("centralized together"), _set("separately decentralized")),
    (_set("doubled tripled"), _set("halved")),
    (_set("spend pay incur"), _set("avoid spare")),
    (_set("usable workable"), _set("unusable unworkable")),
    (_set("scarce rare"), _set("abundant plentiful common")),
    (_set("calm quiet"), _set("hectic busy")),
    (_set("thrive flourish prosper"), _set("struggle wither languish")),
    (_set("proud"), _set("ashamed embarrassed")),
    (_set("praise applaud"), _set("criticize criticise blame")),
    (_set("outperform beat exceed outpace"), _set("underperform trail lag")),
    (_set("understand grasp"), _set("misunderstand")),
    (_set("attend"), _set("miss skip")),
)

_GOOD = _set(
    "good great nice excellent happy satisfied pleased delighted worth worthwhile right love loved loves impressed"
    " impressive perfect fantastic amazing awesome successful success well helpful useful valuable smooth smoothly"
    " reliable easy effortless best praised praises praise enjoy enjoys thrilled glad proud comfortable seamless"
    " affordable superb wonderful brilliant favourite favorite recommend recommends"
)
_BAD = _set(
    "bad poor worst terrible awful unhappy dissatisfied disappointed disappointing disappointment"
    " frustrating frustrated wrong hate hated useless painful pain struggle struggles struggled trouble problem"
    " problems difficult unreliable unusable annoying annoyed regret regrets mistake expensive overwhelmed"
    " overwhelming clumsy cumbersome tedious slow confusing confused unclear failure failed fails"
    " unfortunately objection objected complained complaint complaints worried"
)


def opposite_mood(statement: Statement) -> Iterator[Problem]:
    """Flag a claim with only positive words if the quotation has only negative words, or the reverse."""
    if not statement.is_claim:
        return
    claim_moods = _moods(statement.claim, statement.claim.words)
    quote_moods = {
        mood
        for quote, clause in zip(statement.quotes, statement.clauses, strict=True)
        for mood in _moods_near(quote, clause)
    }
    if len(claim_moods) == len(quote_moods) == 1 and claim_moods != quote_moods:
        yield from soft(
            "D40",
            f"the quotation is {'positive' if 'good' in quote_moods else 'negative'} about this, and the claim is not",
        )


def _moods_near(quote: Wording, clause: Sequence[Word]) -> set[str]:
    """Return the moods of the clause or, if it has none, of its sentence."""
    return _moods(quote, clause) or _moods(quote, quote.sentence_of(clause))


def _moods(text: Wording, words: Sequence[Word]) -> set[str]:
    """Return the moods of these words: "good", "bad", both or none. A denied word counts as the opposite mood."""
    moods: set[str] = set()
    for word in words:
        mood = "good" if word.lower in _GOOD else "bad" if word.lower in _BAD else ""
        if mood:
            moods.add(mood if not _is_denied(text, word) else "bad" if mood == "good" else "good")
    return moods


def _is_denied(text: Wording, word: Word) -> bool:
    return any(denying(text, word, NEGATIONS, within=4))


# These words are too ambiguous to be opposites: "end to end", "at the end", "two seats were left".
_AMBIGUOUS_FORMS = _set("end ends left")


def opposite_kinds(statement: Statement) -> Iterator[Problem]:
    """Flag a claim that contains a word such as "slow" if the quotation contains only an opposite word."""
    if not statement.is_claim or statement.claim.lowers & NEGATIONS:
        return
    claimed = _affirmed_stems(statement.claim)
    quoted, quoted_stems = (
        joined(map(_affirmed_stems, statement.quotes)),
        joined(quote.stems for quote in statement.quotes),
    )
    prefixed = ((frozenset({a}), frozenset({b})) for a, b in _prefix_opposites(claimed, quoted))
    for kind, opposite in (*prefixed, *_opposite_kinds()):
        if claimed & kind and not statement.claim.stems & opposite and quoted & opposite and not quoted_stems & kind:
            words = (word for word in statement.claim.words if _form(word.lower) in kind or word.lower in _KEEP_FORMS)
            # "Used to" counts as "gone", but is not a single word that the error text can quote, so it is not flagged.
            if (word := next(words, None)) and _is_about_same_thing(statement, word, opposite):
                yield from soft("D40", f"the claim says {word.text!r}, but the quotation says the opposite")
                return


_REACH = 6


def _is_about_same_thing(statement: Statement, word: Word, opposite: frozenset[str]) -> bool:
    """Whether the opposite word in the quotation is about the same thing as the word in the claim."""
    if any(other.keys & word.keys for quote in statement.quotes for other in quote.words):
        return False
    if any(
        _form(other.lower) in opposite and _is_denied(quote, other)
        for quote in statement.quotes
        for other in quote.words
    ):
        return False
    claim_keys = _keys_near(statement.claim, word)
    return not claim_keys or any(
        not claim_keys.isdisjoint(_keys_near(quote, other))
        for quote in statement.quotes
        for other in quote.words
        if _form(other.lower) in opposite
    )


def _keys_near(text: Wording, word: Word) -> frozenset[str]:
    near = text.words[max(0, word.at - _REACH) : word.at + _REACH + 1]
    return joined(other.keys for other in near if other.is_content and other is not word)


def _affirmed_stems(text: Wording) -> frozenset[str]:
    """Return the stems of the words that the text does not deny."""
    ignored = _AMBIGUOUS_FORMS | _KEEP_FORMS if "from" in text.lowers else _AMBIGUOUS_FORMS
    stated = frozenset(
        _form(w.lower)
        for w in text.words
        if w.lower not in ignored and not _is_denied(text, w) and not (w.lower == "open" and text.after(w) == "to")
    )
    if any(word.lower in _KEEP_FORMS and text.after(word).endswith("ing") for word in text.words):
        stated |= {"continu"}
    if text.lowers & _KEEP_FORMS and (text.has("to itself") or text.has("to themselves") or text.has("secret")):
        stated |= {"conceal"}
    return stated | {"gone"} if text.has("no longer") or text.has("used to") else stated


# With "from", these words express a denial: "keeps orders from failing" agrees with "orders do not fail".
_KEEP_FORMS = _set("keep keeps kept keeping")


def _form(word: str) -> str:
    """Return the stem of a word.

    "Gone" is returned unchanged, because its base form "go" does not mean that something ended.
    """
    return word if word == "gone" else stem(word)


_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "mis", "de")
# Minimum length of a word after its prefix is removed. With a minimum of three letters, "put" would be the opposite of
# "input".
_MIN_PREFIXED_LENGTH = 4


def _prefix_opposites(claimed: frozenset[str], quoted: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of stems that differ by a negative prefix: "reliable" and "unreliable"."""
    for stems, other_stems in ((claimed, quoted), (quoted, claimed)):
        for word in stems:
            if not word.startswith(_PREFIXES):
                continue
            rest = word[len(next(filter(word.startswith, _PREFIXES))) :]
            if len(rest) >= _MIN_PREFIXED_LENGTH and rest in other_stems and rest not in _FALSE_PREFIXED:
                yield (word, rest) if stems is claimed else (rest, word)


# A prefix does not always make an opposite: "form" and "inform", "vest" and "invest", "cover" and "discover".
_FALSE_PREFIXED = _set("form vest clude crease voice come side sight tend limit play cover count patch tail sign fine")


@cache
def _opposite_kinds() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    pairs = [(frozenset(map(_form, first)), frozenset(map(_form, second))) for first, second in _OPPOSITE_KINDS]
    return (*pairs, *((second, first) for first, second in pairs))
