"""Talk tracks: what to say in thirty seconds, on a cold call, in discovery and in a demo."""

from __future__ import annotations

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.playbook import ColdCall, DemoPoint, DiscoveryQuestion, Sentence, TalkTrackDraft, ValueMapRow
from octave_mcp.domain.prospect import Need
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.copy import quoted, say, shortest
from octave_mcp.models.extractive.material import Material

MOST_DEMO_POINTS = 5
MOST_ROWS = 5

_SO = (
    "so this is about what comes next",
    "so I ask who else could use it",
    "so this is about what it could do beyond that",
)
"""Why to call a customer: for each persona in other words."""

_ASKED: dict[Need, tuple[str, str]] = {
    "growth": (
        "What drives most of your growth today, and how do you know?",
        "How soon do you see that a new channel starts to work?",
    ),
    "conversion": (
        "Where do people drop off on the way to first value?",
        "What have you tried at that step, and how did you judge it?",
    ),
    "insight": (
        "Which question about your users takes longest to answer?",
        "Who gets the answer for the people who ask?",
    ),
    "speed": (
        "What holds up the work that matters most this quarter?",
        "How long does it take from idea to something in use?",
    ),
    "cost": ("Which cost in this area has grown fastest?", "How do you decide what is worth paying for here?"),
    "scale": ("What breaks first when volume goes up?", "How do you plan for your busiest week?"),
    "reliability": (
        "What went wrong the last time it counted, and who noticed first?",
        "What does one failure cost you in time?",
    ),
    "security": (
        "Which rule or customer demand do you find hardest to meet?",
        "Who signs off on where your data lives?",
    ),
    "control": (
        "Which parts of your stack do you insist on running yourselves?",
        "What would make you give a vendor access to your data?",
    ),
    "integration": (
        "How many tools does this task touch today?",
        "Where do your tools disagree on the same number?",
    ),
    "adoption": (
        "Which teams use your current tool, and which avoid it?",
        "What would a colleague need to serve themselves?",
    ),
    "support": ("What do your customers ask most often?", "How much of that could they have seen for themselves?"),
    "hiring": ("Which work waits for people you have yet to hire?", "How do new people get up to speed today?"),
    "automation": ("Which step still needs someone to do it by hand?", "What happens when that person is away?"),
    "quality": ("How do you learn that users are stuck?", "What would you fix first if you could watch them?"),
}

_COMMON: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "How do you handle this today?",
        "SPIN: situation",
        "The way it is done now, and with what",
        ("What do you like about it?", "Since when?"),
    ),
    (
        "What happens if nothing changes for a year?",
        "SPIN: implication",
        "What the problem costs if it stays",
        ("Who feels it first?",),
    ),
    (
        "What would you measure to call this a success?",
        "MEDDPICC: metrics",
        "The figure that decides",
        ("Where does that figure stand now?",),
    ),
    (
        "Who else has a say in a choice like this?",
        "MEDDPICC: economic buyer",
        "Who pays, and who can stop it",
        ("What do they care about most?",),
    ),
    (
        "Which points would a tool have to meet before you try it?",
        "MEDDPICC: decision criteria",
        "What they compare by",
        ("Which one is not up for debate?",),
    ),
    (
        "What are the steps from a trial to a signed order at your company?",
        "MEDDPICC: decision process",
        "The path and its dates",
        ("Which step took longest last time?",),
    ),
    (
        "What else have you looked at, and what did you think?",
        "MEDDPICC: competition",
        "Whom we are up against, doing nothing included",
        ("What was missing?",),
    ),
    (
        "Who on your side would be glad to see this solved?",
        "MEDDPICC: champion",
        "Who would carry it inside",
        ("What would it change for them?",),
    ),
)


def talk_track(material: Material, rank: int) -> TalkTrackDraft[Cite]:
    return Speaker(material, rank).track()


class Speaker:
    def __init__(self, material: Material, rank: int) -> None:
        self.material, self.rank, self.persona = material, rank, material.personas[rank]
        self.need: Need = material.need(rank)
        self.hooks, self.proofs, self.voices = (
            material.hooks_for(rank),
            material.proofs_for(rank),
            material.voices_for(rank),
        )
        self.offerings = material.offerings_for(rank)

    def track(self) -> TalkTrackDraft[Cite]:
        return TalkTrackDraft[Cite](
            pitch=tuple(self._pitch()),
            cold_call=self._call(),
            discovery=tuple(self._discovery()),
            demo_points=tuple(self._demo()),
            value_map=tuple(self._map()),
        )

    def _pitch(self) -> list[Sentence[Cite]]:
        said = [self._reason()]
        if self.proofs:
            said.append(say(self.proofs[0].text, "fact", self.material.cites(self.proofs[0].evidence)))
        asked = (
            f"So the question is which of your teams {self.material.vendor} could help next."
            if self.material.expansion
            else f"So the question is what {cues.NEED_WORDS[self.need]} would be worth to you."
        )
        said.append(say(asked, "question"))
        return said

    def _reason(self) -> Sentence[Cite]:
        """Why this company, and why now; what they said themselves, where there is a line of theirs."""
        hook = next((hook for hook in self.hooks if hook.quote), None)
        if self.material.expansion:
            own = self.material.cites(self.material.brief.existing_customer)
            return say(f"{self.material.already} already, {_SO[self.rank % len(_SO)]}.", "fact", own)
        if hook is None:
            cites = self.material.cites(self.persona.evidence)
            return say(
                f"My guess is that {cues.NEED_WORDS[self.need]} matters to {self.material.prospect}.",
                "inference",
                cites,
            )
        page = hook.page[0].upper() + hook.page[1:]
        return say(f"{page} says {quoted(hook.quote)}", "fact", self.material.cites(hook.evidence))

    def _relation(self) -> list[Sentence[Cite]]:
        """That the caller's company is the listener's customer."""
        if not self.material.buying or self.material.expansion:
            return []
        title = self.material.own_title
        story = f", and you tell the story on your site: {quoted(title)}" if title else ", as your own site shows."
        cites = self.material.cites(self.material.brief.vendor_is_customer)
        return [say(f"{self.material.vendor} is a customer of yours{story}", "fact", cites)]

    def _call(self) -> ColdCall[Cite]:
        opener = (
            say(f"Hi {{{{first_name}}}}, this is {{{{sender_first_name}}}} from {self.material.vendor}.", "courtesy"),
            *self._relation(),
            self._reason(),
        )
        value = [
            say(proof.text, "fact", self.material.cites(proof.evidence))
            for proof in self.proofs[1:2] or self.proofs[:1]
        ]
        if self.voices:
            voice = self.voices[0]
            text = f"{voice.person}, {voice.role} at {voice.company}, says {quoted(voice.quote)}"
            value.append(say(text, "fact", self.material.cites(voice.evidence)))
        return ColdCall[Cite](
            opener=opener,
            value=tuple(value),
            ask="Could we set aside 15 minutes this week to see what else would be of use to you?"
            if self.material.expansion
            else "Could we set aside 15 minutes this week to see if it fits your case?",
            if_not_now=f"When will you next look at {cues.NEED_WORDS[self.need]}, and may I call then?",
        )

    def _discovery(self) -> list[DiscoveryQuestion]:
        """Two questions on each of this persona's needs, and eight that any deal turns on: fourteen at most."""
        own = [
            DiscoveryQuestion(
                question=_ASKED[need][at],
                uncovers=kind,
                purpose=f"{cues.NEED_TITLES[need]}: {purpose}",
                follow_ups=("Can you give me the last example?",),
            )
            for need in self._needs()[:3]
            for at, (kind, purpose) in enumerate(
                (("SPIN: problem", "whether it is felt"), ("SPIN: implication", "how much it matters"))
            )
        ]
        common = [DiscoveryQuestion(question=q, uncovers=u, purpose=p, follow_ups=f) for q, u, p, f in _COMMON]
        return [*own, *common][:14]

    def _needs(self) -> list[Need]:
        """This persona's, and then the prospect's others."""
        found: list[Need] = [self.need]
        found.extend(pain.need for pain in self.material.pains_of(self.persona) if pain.need != self.need)
        return found

    def _demo(self) -> list[DemoPoint[Cite]]:
        """What to show, for the pain whose need it speaks of; what answers none of them, for what it is."""
        pains = self.material.pains_of(self.persona)
        points: list[DemoPoint[Cite]] = []
        for offering in self.offerings[:MOST_DEMO_POINTS]:
            needs = cues.needs_of(f"{offering.name} {offering.description}")
            pain = next((pain for pain in pains if pain.need in needs), None)
            text = pain.text if pain else f"{offering.name}: {quoted(offering.description)}"
            cites = self.material.cites((*(pain.evidence if pain else ()), *offering.evidence))
            because = say(text, "inference" if pain and not pain.stated else "fact", cites)
            points.append(DemoPoint[Cite](show=offering.name, because=because))
        return points

    def _map(self) -> list[ValueMapRow[Cite]]:
        """Each pain beside the offering or promise whose words answer it best."""
        rows: list[ValueMapRow[Cite]] = []
        told = [(f"{o.name}: {shortest(o.description) or o.description}", o.evidence) for o in self.offerings]
        told += [
            (f"{v.title}: {v.text}", v.evidence)
            for v in self.material.brief.vendor.value_propositions
            if self.material.shown.english(v.evidence)
        ]
        for pain in self.material.pains_of(self.persona)[:MOST_ROWS]:
            fits = [item for item in told if pain.need in cues.needs_of(item[0])]
            if fits:
                text, evidence = fits[0]
                told.remove(fits[0])
                rows.append(
                    ValueMapRow[Cite](
                        capability=say(text, "fact", self.material.cites(evidence)),
                        pain=say(pain.text, "fact" if pain.stated else "inference", self.material.cites(pain.evidence)),
                    )
                )
        return rows
