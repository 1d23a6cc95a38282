"""What English copy asks of its reader, promises, and offers as a way to say no, by the words that do so."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BEFORE_REQUEST = r"(?:^|[.!?,;:—–(]\s*|\b(?:just|please|then|simply|or|and)\s+)"
_REQUEST = re.compile(
    rf"{_BEFORE_REQUEST}(?:reply|answer|send|tell|let|say|write|give|drop|ask|point|pick|choose|book|grab|take|try|have"
    r"|see|check|look|forward|share|call|ping|text|e-?mail|shoot|name|note|mark|use|hit|click|come|join|meet|read"
    r"|compare|keep|count)\b"
    r"|\b(?:let me know|worth (?:a|your)|(?:happy|glad|open) to|interested in"
    r"|i(?:['’]d| would| could| can|['’]ll| will)\b[^.?!]{0,200}\b(?:if|like|love|welcome|appreciate)"
    r"|if (?:you|that|this|it)\b[^.?!]{0,200}\bi(?:['’]ll|['’]d| will| can| could))\b",
    re.IGNORECASE | re.MULTILINE,
)

_NO = (
    r"[“\"'‘]\s*(?:no|not now|pass|stop)\b"
    r"|(?:\ban? (?:(?!with|of|in|and|or|for)[\w-]+ ){0,2}|^|[.!?]\s+)no(?: thanks| thank you)?"
    r"(?= (?:is|works|will|would|do|does|saves|suffices|helps|and|or|but|from|to|as|too)\b|[.,;:!?”\"'’]|$)"
    r"|\b(?:answer|reply|say|write|send|type|just) (?:me )?(?:an? )?(?:\w+ )?no\b"
    r"|\b(?:one|a single|a|two|a few) (?:word|line|thumbs down)s?\b[^.?!]{0,200}\b(?:enough|do|does|fine|okay|ok)\b"
)
_GOING = r"stop|disappear|go|gone|leave|close|drop|move on|stay away|step (?:back|aside)|bow out|get out|be gone"
_END_OF_MAIL = (
    r"\b(?:opt(?:ing)?[ -]out|unsubscribe|stop|(?:no|any) (?:more|further) (?:mails?|e-?mails?|notes?|messages?)"
    r"|leave (?:you|it|this|things) ?(?:here|there|at|be|alone|in|with|to|,|\.|$)|close (?:the|your|this|my|out|it)"
    r"|(?:my|the) (?:last|final) (?:note|e-?mail|message|you)|(?:take|remove) you|(?:from|off) (?:my|the|our) list"
    r"|no (?:reply|answer|response)|no need to (?:reply|answer|respond|write)"
    rf"|(?:i|we)(?:['’](?:ll|m)| will| am| are) (?:\w+ )?(?:{_GOING}))\b"
    r"|(?:\bnot|\bnever|n['’]t) (?:be )?(?:write|writing|e-?mail(?:ing)?|contact(?:ing)?|follow|bother|chase|nudge|ping"
    r"|message|hear from (?:me|us)|come back)\b"
)
_UNWANTED = re.compile(
    r"\b(?:if|unless|should|in case|when)\b[^.?!\n]{0,200}\b(?:not|no|never|nothing|rather|wrong|off|prefer|pass"
    r"|\w+n['’]t)\b"
    r"|\bnot\b[^.?!\n]{0,40}\?|\bnot (?:interested|relevant|for you|a fit)\b"
    r"|\b(?:wrong|bad|poor) (?:person|time|timing|moment|desk|fit)\b",
    re.IGNORECASE,
)
_THEN = re.compile(
    rf"{_BEFORE_REQUEST}(?:tell|say|let me know|reply|write|answer|drop|send|ignore|delete|skip"
    r"|let (?:it|this|that)(?: one)? (?:lie|be|go)|feel free)\b"
    rf"|\b(?:i|we)(?:['’](?:ll|d)| will| would) (?:\w+ )?(?:understand|{_GOING})\b"
    r"|\bno (?:hard feelings|worries|problem|harm|pressure)\b"
    r"|\b(?:that['’]s|is|would be) (?:\w+ )?(?:fine|okay|ok|all right|no problem)\b",
    re.IGNORECASE | re.MULTILINE,
)
_WAY_OUT = re.compile(f"{_END_OF_MAIL}|{_NO}", re.IGNORECASE | re.MULTILINE)

_THINGS = (
    "reports?", "calculators?", "frameworks?", "benchmarks?", r"e-?books?", r"white ?papers?", "audits?", "templates?",
    "checklists?", "playbooks?", "guides?", r"case stud(?:y|ies)",
)  # fmt: skip
_WE_GIVE = re.compile(
    r"(?:\b(?:i|we)(?:['’](?:ll|d|m|re|ve))?(?: (?:will|can|could|would|may|might|am|are|have|be|happy|glad|to|just"
    r"|also|gladly|then|even|already|like|love))* |\b(?:let me|let us|want me to|like me to|shall i|may i|can i|could i"
    r"|should i|shall we|can we|could we|may we|happy to|glad to) (?:\w+ )?)"
    r"(?:send|share|attach(?:ed)?|prepared?|put together|forward|e-?mail)\b(?P<given>[^.?!]*)"
    r"|\b(?:attached (?:is|are|you)|here (?:is|are)|enclosed (?:is|are))\b(?P<here>[^.?!]*)",
    re.IGNORECASE,
)

_MAKE = (
    r"(?:re)?writ(?:e|ten|ing)|rewrote|(?:re-?)?draft(?:ed|ing)?|sketch|mark(?:ed)? up|map(?:ped)? out|mock(?:ed)? up"
    r"|put(?:ting)? together|pull(?:ed)? together|list(?:ed)?|compare|go through|make|build|do|try|prepare|send|share"
    r"|show"
)
_OFFER = re.compile(
    rf"\b(?:i|we)(?:['’](?:ll|d|ve)| (?:can|could|will|would|have))(?: (?:gladly|happily|be glad to|be happy to"
    rf"|like to))?"
    rf" (?:{_MAKE})\b|\b(?:want|like) me to\b|\b(?:shall|should|can|could|may) i (?:{_MAKE})\b"
    rf"|\b(?:happy|glad) to (?:{_MAKE})\b|\blet me (?:{_MAKE})\b|\bi (?:rewrote|drafted|sketched|made|wrote"
    rf"|put together"
    r"|took|listed|compared)\b",
    re.IGNORECASE,
)

_CLOSED = re.compile(r"^(?:is|are|do|does|did|have|has|can|could|would|will|should)\b", re.IGNORECASE)
_INVITES = re.compile(
    r"^(?:can|could|would|will) you (?:please )?(?:tell|walk|show|describe|explain|share|talk|take|say|give|help"
    r"|name)\b"
    r"|\bor (?!not\b|so\b|more\b|less\b|two\b)",
    re.IGNORECASE,
)


def is_ask(text: str) -> bool:
    """Whether it asks the reader for something: by a question, a request or an offer to take up."""
    return "?" in text or bool(_REQUEST.search(text))


def has_way_out(text: str) -> bool:
    """Whether it offers the reader an easy way to say no, or ends the matter itself."""
    return bool(_WAY_OUT.search(text)) or any(map(_lets_go, text.splitlines()))


def _lets_go(paragraph: str) -> bool:
    return bool(_UNWANTED.search(paragraph) and _THEN.search(paragraph))


def empty_promise(text: str, said: Iterable[str]) -> str:
    """The promise of a report or the like that nothing `said` names; '' if there is none."""
    shown = "\n".join(said)
    for found in _WE_GIVE.finditer(text):
        given = found["given"] or found["here"] or ""
        for thing in _THINGS:
            pattern = re.compile(rf"\b{thing}\b", re.IGNORECASE)
            if (named := pattern.search(given)) and not pattern.search(shown):
                return f"{found[0][: len(found[0]) - len(given)]}{given[: named.end()]}"
    return ""


def offers(text: str) -> bool:
    """Whether the writer makes, or has made, something for the reader."""
    return bool(_OFFER.search(text))


def is_closed(question: str) -> bool:
    """Whether yes or no answers it: one that invites to tell, or gives a choice, is open."""
    return bool(_CLOSED.match(question)) and not _INVITES.search(question)
