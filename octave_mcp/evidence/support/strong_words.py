"""Lists strong words, which a claim is allowed to use only if the quotation contains the same or a related word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _kin(lines: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Parse lines such as "patented/patent patents": map each word before the slash to the words after it.

    A claim can use a word from before the slash if the quotation contains a word from after it.
    """
    split = (line.partition("/") for line in lines)
    return {word: _set(kin) for words, _, kin in split for word in words.split()}


# If a claim says "every team", the quotation must say "all", "each" or a similar word.
ABSOLUTES = _kin(
    (
        (
            "all every everyone everybody everything entire whole always everywhere/all every each everyone"
            " everybody everything entire"
            " whole"
            " always any last 100% everywhere across anyone throughout both full fully total complete"
            " completely entirely exclusively"
        ),
        (
            "never none/never none no not nobody without nothing neither stay stays stayed keep keeps kept"
            " cannot free relentless relentlessly every always"
        ),
        "sole solely exclusively/only just sole solely exclusively alone single one exclusive",
        (
            "fully completely entirely totally/fully completely entirely totally all full whole 100 complete entire"
            " every"
        ),
        "guarantee guaranteed guarantees/guarantee guaranteed guarantees",
        "unlimited/unlimited limitless",
        "instantly/instantly instant immediately",
        "eliminates eliminate eliminated/eliminates eliminate eliminated no without remove removes removed zero",
        "regardless irrespective/regardless irrespective independent whatever whether",
        "however/however regardless matter whatever",
        "exactly/exactly exact precisely",
        "each/each every all per any both apiece individual either respective",
        "ever/ever never always no not since every first yet any",
        "anyone anybody/anyone anybody all every any everyone everybody whoever no one public you your",
        "whatever whichever/whatever whichever regardless irrespective independent whether any every all no",
        "world worldwide global globally/world worldwide global globally international everywhere countries earth",
        "nationwide/nationwide national nation country countrywide",
    )
)
# Maps a limit in a quotation to words with a similar meaning: if the quotation says "up to 40", the claim can say "a
# maximum of 40".
LIMITS: Mapping[str, frozenset[str]] = {
    "up to": _set("up most maximum many much"),
    "on average": _set("average averages averaged averaging typically typical about"),
    "average": _set("average averages averaged averaging mean"),
    "typically": _set("typically typical usually average often"),
    "sometimes": _set("sometimes some occasionally times"),
    "in some cases": _set("some cases sometimes"),
    "most of": _set("most majority mostly mainly largely"),
    "some of": _set("some several few parts part among"),
    "usually": _set("usually typically mostly often"),
    "many of": _set("many"),
    "one of our": _set("one a an"),
    "in beta": _set("beta preview early"),
    "early access": _set("early beta preview"),
    "for some": _set("some"),
    "partly": _set("partly part partially"),
    "mostly": _set("mostly most mainly"),
    "median": _set("median half typical typically"),
}
# If a claim says "certified", the quotation must contain "certificate" or a similar word. "Follows the controls" is not
# enough.
STATUS = _kin(
    (
        "certified certification/certified certification certificate certify certifies",
        "accredited/accredited accreditation",
        "compliant compliance/compliant compliance comply complies compliance-ready certified certification",
        "patented/patented patent patents",
        "approved/approved approval approve approves authorized authorised",
        "exclusive exclusively/exclusive exclusively only sole",
        "audited/audited audit audits",
        "endorsed/endorsed endorse endorses endorsement",
        "mandatory/mandatory required must requires require",
        "guarantees guaranteed guarantee/guarantees guaranteed guarantee",
    )
)
# If a claim says "hired", the quotation must contain "joined" or a similar word. "Is looking for" is not enough.
EVENTS = _kin(
    (
        (
            "hire hired hires/hire hired hires join joined joins appoint appointed recruit recruits recruiting"
            " recruited welcome welcomed added team"
        ),
        "opened opens/open opened opens opening launch launched new",
        (
            "launched launches launch/launch launched launches launching introduce introduced introducing release"
            " released"
            " releases announce announced announcing live available new unveil unveiled ship shipped debut general"
            " ga rolled"
            " rolling now today open opened start started"
        ),
        (
            "raised raises/raise raised raises series round funding secured seed investment investor investors invest"
            " invested led"
        ),
        (
            "acquired acquires acquisition bought/get acquire acquired acquires acquisition bought buy"
            " purchase purchased"
            " acquiring joins joined"
        ),
        "signed/sign signed signs agreement contract partnership",
        (
            "moved migrated switched replaced/used instead dropped ditched now move moved moves moving migrate migrated"
            " migrating migration switch switched switches switching replace replaced replacing transition"
            " transitioned from"
            " port ported adopted left leave leaving chose centralize centralise consolidate consolidated"
        ),
        "won/win won wins winner award awarded winning",
        "appointed/appointed appoint appoints named joins joined hired new",
        (
            "obtained received achieved/obtained obtain received receive got get achieved achieve have has certified"
            " now"
            " earned completed passed submit submitted send sent give gave given"
        ),
        "closed/close closed closes closing shut end ended ends round series raise raised resolve",
        (
            "started begun/start started starts starting begin began begun since now launch launched live introduced"
            " open opened new first founded"
        ),
        "merged/merge merged merger",
        "completed/complete completed completes done finish finished achieved passed",
        "passed/pass passed passes cross crossed surpass surpassed exceed exceeded over past beyond reached hit topped",
        "doubled/double doubled doubles doubling 2x twice",
        "tripled/triple tripled triples 3x",
    )
)
