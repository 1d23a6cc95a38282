"""A sample playbook with everything that a current playbook contains, such as a brief and a buying committee."""

from __future__ import annotations

import secrets

from playbooks import PERSONAS, claim, fact, guess, question, sample_playbook

from octave_mcp.app import App
from octave_mcp.domain.deal import Brief, BuyingSeat, Fit, Letter, Qualification, StackOverlap, ValueMapRow
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.playbook import BrushOff, CallToAction, Caution, EmailSequence, Playbook, Touch
from octave_mcp.domain.run import PlaybookRequest, RunRecord
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.versions import first_version
from octave_mcp.settings import load

# About 80 words.
FILLER = (
    "Most portals lose people at a step that nobody on the team would have picked, and the fix is small once it is "
    "known. The people on the telephone usually know it first, and they are rarely asked. Two of your teams could look "
    "at one chart of it every week, side by side, and agree on which of the steps to change before the quarter ends. "
    "That is all we would do at the beginning, and it runs in your own account."
)
MAKE_FIRST = (
    "A list of the fields of the public booking form, in order, with the three that ask for papers. First lines: "
    "1. Origin and destination. 2. Goods and weight. 3. Customs number, before any price is shown."
)
WRITTEN = (
    (
        "80% without calls",
        (
            fact("By the end of 2027 you want 80% of bookings made in the portal without a call.", "p_goal"),
            fact("Today roughly half still end up on the telephone.", "p_today"),
        ),
        CallToAction(label="interest", text="Worth a look at how Brightline found theirs?"),
        None,
        (fact("You are hiring your first Senior Product Analyst.", "p_job"),),
    ),
    (
        "Brightline's booking step",
        (
            fact("Brightline Logistics raised completed bookings by 23% in eleven weeks.", "v_bl_result"),
            fact("Funnels showed that customs papers were asked for too early.", "v_bl_solution", "v_bl_problem"),
        ),
        CallToAction(label="interest", text="Which step do your own teams suspect?"),
        None,
        (),
    ),
    (
        "Your booking funnel",
        (fact("Your teams will ship every week instead of every quarter.", "p_release"),),
        CallToAction(label="offer", text="Shall I map your public booking form, step by step?"),
        MAKE_FIRST,
        (),
    ),
    (
        "Closing the loop",
        (fact("The first 2 million events a month are free.", "v_free"), fact("Seats are not charged for.", "v_seats")),
        CallToAction(label="goodbye", text="Shall I leave it here, or try again in spring?"),
        None,
        (),
    ),
)


def deal_playbook() -> Playbook:
    sample = sample_playbook()
    personas = [
        persona.model_copy(
            update={
                "id": f"persona-{rank}",
                "contact": "Marit Janssen" if rank == 1 else None,
                "will_ask": ("Where does our data live?",),
                "cautions": (
                    Caution[EvidenceId](avoid="Do not say 'migration'", because=fact("They ship weekly.", "p_release")),
                ),
            }
        )
        for rank, persona in enumerate(sample.priority_personas, 1)
    ]
    tracks = [
        track.model_copy(
            update={
                "persona_id": f"persona-{rank}",
                "brush_offs": (BrushOff(they_say="no_budget", reply="Fair. The first events are free."),),
                "voicemail": (fact("Half of your bookings still end on the telephone.", "p_today"),),
                "close": "Shall we look at your form together?",
                "next_step": "Send the list of fields within the hour.",
            }
        )
        for rank, track in enumerate(sample.talk_tracks, 1)
    ]
    return sample.model_copy(
        update={
            "schema_version": 2,
            "brief": _brief(),
            "priority_personas": tuple(personas),
            "email_sequences": tuple(_sequence(rank) for rank, _ in enumerate(PERSONAS, 1)),
            "talk_tracks": tuple(tracks),
            "buying_committee": _committee(),
            "fit": _fit(),
            "qualification": Qualification(
                metrics=Letter(known=(fact("80% without a call by the end of 2027.", "p_goal"),)),
                economic_buyer=Letter(to_find_out=("Who signs for tools like this one?",)),
            ),
            "trial_plan": ("Week 1: install it in a blank account.", "Week 2: watch one funnel."),
        }
    )


def _sequence(rank: int) -> EmailSequence:
    touches = tuple(_touch(day, *written) for day, written in zip((1, 3, 7, 14), WRITTEN, strict=True))
    first_name = "Marit" if rank == 1 else None
    return EmailSequence(persona_id=f"persona-{rank}", first_name=first_name, touches=touches)


def _touch(
    day: int,
    subject: str,
    sentences: tuple[Sentence[EvidenceId], ...],
    ask: CallToAction,
    make_first: str | None,
    second_opening: tuple[Sentence[EvidenceId], ...],
) -> Touch:
    text = " ".join(sentence.text for sentence in sentences)
    return Touch(
        day=day,
        subject=subject,
        body=f"Hi Marit,\n\n{text}\n\n{FILLER}\n\n{ask.text}\n\nAnn Lee\nLumenboard",
        call_to_action=ask,
        personalisation=("The goal is from their news of September.",),
        sentences=sentences,
        second_opening=second_opening,
        make_first=make_first,
        score=None,
    )


def _brief() -> Brief:
    return Brief(
        vendor_does=claim("Lumenboard is product analytics that runs in your own cloud.", "v_name"),
        persona_id="persona-1",
        person="Marit Janssen",
        title="Chief Product Officer",
        why_now=fact("Kestrel wants 80% of bookings in the portal by the end of 2027.", "p_goal"),
        date="2026-09-30",
        means=guess("Someone has to find the steps that lose people.", "p_today"),
        first_line="Half of your bookings still end on the telephone: which step sends them there?",
        proof=fact("Brightline Logistics raised completed bookings by 23%.", "v_bl_result"),
        question="Which step do your teams suspect?",
        email="email_sequences.0.touches.0",
        warnings=("Do not say 'migration': they ship every week.",),
    )


def _committee() -> tuple[BuyingSeat, ...]:
    return (
        BuyingSeat(
            seat="champion",
            person="Marit Janssen",
            title="Chief Product Officer",
            how_known="named",
            evidence=("p_team",),
            check_first="her page has no date",
        ),
        BuyingSeat(seat="blocker", person=None, title="", how_known="missing", evidence=()),
    )


def _fit() -> Fit:
    return Fit(
        value_map=(
            ValueMapRow[EvidenceId](
                capability=fact("Funnels that show the step where people give up", "v_heads"),
                pain=fact("Half of the bookings end on the telephone", "p_today"),
            ),
        ),
        stack_overlap=(
            StackOverlap(name="ISO 27001", vendor="sells", prospect="certificate", evidence=("v_soc2", "p_iso")),
        ),
        reasons_against=(question("Would they rather build it?"),),
        when_not_to_sell="If no one owns the portal.",
    )


async def stored(playbook: Playbook) -> str:
    """Store a completed run with this playbook in the database in OCTAVE_HOME, and return the run ID."""
    store = App(load(), engine="inline").store
    request = PlaybookRequest(vendor="lumenboard.example", prospect="kestrel-freight.example")
    record = RunRecord(
        run_id=f"run_{secrets.token_hex(16)}",
        session_id=f"sess_{secrets.token_hex(16)}",
        request=request,
        status="running",
        model=playbook.model,
        source="crawler",
        created_at=playbook.generated_at,
        files=tuple(
            f"/home/ann/.local/share/octave-mcp/playbooks/kestrel/playbook.{s}" for s in ("json", "md", "html")
        ),
    )
    await store.open()
    await store.add_run(record, new_session=True)
    await store.put_version(record.run_id, first_version(record.run_id, playbook, None))
    await store.update_run(record.model_copy(update={"status": "completed", "finished_at": playbook.generated_at}))
    await store.close()
    return record.run_id
