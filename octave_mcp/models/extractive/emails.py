"""Four touches to each persona: frames around verbatim quotations, other words for each persona."""

from __future__ import annotations

import re

from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.playbook import CallToAction, Sentence, SequenceDraft, TouchDraft
from octave_mcp.domain.prospect import Need
from octave_mcp.domain.vendor import Offering
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.copy import quoted, say, shortest
from octave_mcp.models.extractive.frames import FRAMES, UNKNOWN
from octave_mcp.models.extractive.material import Hook, Material, Proof, Voice

TOUCHES = 4
SUBJECT = 50
FEWEST_WORDS = 52

_SLOT = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")

Paragraph = tuple[Sentence[Cite], ...]


def sequence(material: Material, rank: int) -> SequenceDraft[Cite]:
    """The first touch, and each later one that has a proof to show; one without would only nag."""
    writer = Writer(material, rank)
    return SequenceDraft[Cite](touches=tuple(writer.touch(at) for at in range(TOUCHES) if at == 0 or writer.middle(at)))


class Writer:
    """One persona's sequence: what it may use, taken once each."""

    def __init__(self, material: Material, rank: int) -> None:
        self.material, self.rank = material, rank
        self.frames = FRAMES[rank % len(FRAMES)]
        self.need: Need = material.need(rank)
        self.hooks, self.proofs, self.voices = (
            material.hooks_for(rank),
            material.proofs_for(rank),
            material.voices_for(rank),
        )
        self.offerings = [o for o in material.offerings_for(rank) if shortest(o.description)]

    def touch(self, at: int) -> TouchDraft[Cite]:
        paragraphs = (self._opening(at), *self.middle(at))
        label = ("interest", "interest", "meeting", "goodbye")[at]
        ask = CallToAction(label=label, text=self._fill(self.frames.asks[at]))
        return TouchDraft[Cite](
            subject=self._subject(at),
            paragraphs=self._long_enough(tuple(p for p in paragraphs if p), at),
            call_to_action=ask,
            opt_out=self.frames.opt_out if at == TOUCHES - 1 else None,
            personalisation=tuple(self._notes(at)),
        )

    def _opening(self, at: int) -> Paragraph:
        """What is known of the reader: that they are a customer already, else a line of their own."""
        if at == 0 and self.material.expansion:
            return (*self._already(), *self._of_today())
        hook = self._hook(at)
        if hook is None:
            return (self._unknown(at),)
        cites = self.material.cites(hook.evidence)
        if not hook.quote:
            return (say(self._fill(self.frames.names[at], names=hook.names), "fact", cites),)
        frame = self.frames.hook[0 if at == 1 and self.material.expansion else at]
        opening = say(self._fill(frame, page=hook.page, quote=quoted(hook.quote)), "fact", cites)
        return (
            (opening, say(self._fill(self.frames.guess, need=self._guessed(hook)), "inference", cites))
            if at == 0
            else (opening,)
        )

    def _guessed(self, hook: Hook) -> str:
        """The need the line speaks of, this persona's if it is among them."""
        need: Need = self.need if self.need in hook.needs else cues.need_of(hook.quote) or self.need
        return cues.NEED_WORDS[need]

    def _already(self) -> Paragraph:
        cites = self.material.cites(self.material.brief.existing_customer)
        story = next(
            (s for s in self.material.brief.vendor.case_studies if self.material.is_prospect(s.customer)), None
        )
        told = quoted(story.headline) if story and len(story.headline.split()) <= 20 else ""
        text = self._fill(self.frames.already, quote=told).strip()
        return (say(text, "fact", (*cites, *(self.material.cites(story.evidence[:1]) if story else ()))),)

    def _of_today(self) -> Paragraph:
        """A line of theirs beside what is known of them as a customer."""
        hook = next((hook for hook in self.hooks[:1] if hook.quote), None)
        text = self._fill(self.frames.hook[1], page=hook.page, quote=quoted(hook.quote)) if hook else ""
        return (say(text, "fact", self.material.cites(hook.evidence)),) if hook else ()

    def _unknown(self, at: int) -> Sentence[Cite]:
        cites = (
            self.material.cites([i for pain in self.material.brief.prospect.pain_points for i in pain.evidence][:1])
            or self._named()
        )
        return say(self._fill(UNKNOWN[at]), "inference", cites)

    def _named(self) -> tuple[Cite, ...]:
        return tuple(cite for persona in self.material.personas for cite in self.material.cites(persona.evidence))[:1]

    def middle(self, at: int) -> tuple[Paragraph, ...]:
        if at == 0 and self.material.expansion and self.offerings:
            return (self._newer(),)
        kind = ("proof", "voice", "offer", "second")[at]
        return tuple(p for p in (self._of(kind),) if p)

    def _of(self, kind: str) -> Paragraph:
        if kind == "voice" and self.voices:
            return self._voice(self.voices[0])
        if kind == "offer" and (offering := self._offering()):
            text = self._fill(self.frames.offer, offering=offering.name, quote=quoted(shortest(offering.description)))
            return (say(text, "fact", self.material.cites(offering.evidence)),)
        proof = self._proof({"proof": 0, "voice": 2, "offer": 3, "second": 1}[kind])
        frame = self.frames.second if kind == "second" else self.frames.proof
        return (say(self._fill(frame, proof=proof.text), "fact", self.material.cites(proof.evidence)),) if proof else ()

    def _newer(self) -> Paragraph:
        offering = self.offerings[0]
        text = self._fill(self.frames.newer, offering=offering.name, quote=quoted(shortest(offering.description)))
        own = self.material.cites(self.material.brief.existing_customer[:1])
        return (say(text, "fact", (*self.material.cites(offering.evidence), *own)),)

    def _voice(self, voice: Voice) -> Paragraph:
        text = self._fill(
            self.frames.voice, person=voice.person, role=voice.role, company=voice.company, quote=quoted(voice.quote)
        )
        return (say(text, "fact", self.material.cites(voice.evidence)),)

    def _long_enough(self, paragraphs: tuple[Paragraph, ...], at: int) -> tuple[Paragraph, ...]:
        """A first touch of fewer than 50 words gets the vendor's promise too."""
        words = sum(len(sentence.text.split()) for paragraph in paragraphs for sentence in paragraph) + 14
        if at or words >= FEWEST_WORDS:
            return paragraphs
        return (*paragraphs, *self._promise())

    def _promise(self) -> tuple[Paragraph, ...]:
        """What the vendor promises that fits the need best, in its own words."""
        fits = [
            v
            for v in self.material.brief.vendor.value_propositions
            if shortest(v.text) and self.material.shown.english(v.evidence)
        ]
        if not fits:
            return ()
        best = max(fits, key=lambda v: (self.need in cues.needs_of(f"{v.title} {v.text}"), -fits.index(v)))
        text = self._fill(self.frames.more, quote=quoted(shortest(best.text)))
        return ((say(text, "fact", self.material.cites(best.evidence)),),)

    def _hook(self, at: int) -> Hook | None:
        return self.hooks[at] if at < len(self.hooks) else self.hooks[at % len(self.hooks)] if self.hooks else None

    def _proof(self, at: int) -> Proof | None:
        return self.proofs[at] if at < len(self.proofs) else self.proofs[-1] if self.proofs else None

    def _offering(self) -> Offering[EvidenceId] | None:
        at = 1 if self.material.expansion and len(self.offerings) > 1 else 0
        return self.offerings[at] if self.offerings else None

    def _subject(self, at: int) -> str:
        """At most seven words and 50 characters; a subject that is longer gives way to a plain one."""
        offering, voice = self._offering(), self.voices[0] if self.voices else None
        plain = f"{self.material.vendor} and {self.material.prospect}"
        if (at == 1 and not voice) or (at == 2 and not offering):
            return plain
        made = self._fill(
            self.frames.subjects[at],
            need=cues.NEED_TITLES[self.need].lower() if self.rank != 1 else cues.NEED_TITLES[self.need],
            company=voice.company if voice else "",
            offering=offering.name if offering else "",
        )
        made = made[0].upper() + made[1:]
        return made if len(made) <= SUBJECT and len(made.split()) <= 7 else plain

    def _notes(self, at: int) -> tuple[str, ...]:
        hook = self._hook(at)
        where = hook.page.removeprefix("your ") if hook else "site"
        swap = f"The opening is taken from their {where}; check that it still says so, or swap in something you know."
        if at == 0 and self.material.expansion:
            return ("They are a customer already: name who on their side uses it today, if you know.",)
        return (swap, "Name the reader's own project in place of the guess, if you know it.") if at == 0 else (swap,)

    def _fill(self, frame: str, **values: str) -> str:
        page = values.get("page", "your site")
        known = {
            "vendor": self.material.vendor,
            "prospect": self.material.prospect,
            "need": cues.NEED_WORDS[self.need],
            "Page": page[0].upper() + page[1:],
            **values,
        }
        return _SLOT.sub(lambda slot: known[slot[1]], frame)
