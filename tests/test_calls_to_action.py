"""Detection of requests, empty promises, and easy ways to say no, in English sales copy."""

from __future__ import annotations

import pytest

from octave_mcp.copywriting.calls_to_action import empty_promise, has_way_out, is_ask, is_closed

WAYS_OUT = (
    "A short no is enough.",
    "If you would like no more e-mails from me, a short no is enough.",
    "If not, tell me and I will close the file.",
    'Reply "no" and that\'s the end of it.',
    "Reply 'no'.",
    "Just say so and I'll stop.",
    "Not relevant? Tell me and I'm gone.",
    "If this isn't for you, say so.",
    "If it's not a fit, no hard feelings.",
    "A one-word no works.",
    "A quick no is as welcome as a yes.",
    "“No thanks” is a fine answer.",
    "One word is enough.",
    "If you'd rather I didn't write, just let me know.",
    "No need to reply if this isn't a priority.",
    "Feel free to ignore this if the timing is off.",
    "If the answer is no, that's fine.",
    "If it's a no, a word does.",
    "Tell me no and I'll leave it there.",
    "If I've got the wrong person, just point me elsewhere or tell me to go away.",
    "This is my last note.",
    "I won't write again.",
    "You won't hear from me again.",
    "If I don't hear back, I'll assume the timing is wrong and close the loop.",
    "Should this never matter, drop me a line and I'm gone.",
    "Wrong time? Say so.",
    "Happy to step back if this isn't on your list - just say the word.",
    "If you'd prefer not to hear from me, reply with pass.",
    "If now is not the moment, I'll leave you to it.",
    "A no is a good answer too.",
    "No is fine.",
    "If not, no worries.",
    "Not for you? No problem.",
    "If this is not your topic, please forward or delete it.",
    "Just reply no thanks.",
    "Say the word and I'll disappear.",
    "You can unsubscribe with a single word.",
    "Opting out takes one word.",
    "And if it never becomes a topic, that is fine too.",
)
NO_WAYS_OUT = (
    "Would that be of use to you?",
    "Your crews could see each dark spot before they drill.",
    "You would adopt an option without an opinion.",
    "There is no reason to wait.",
    "If your team hardens its own images, those hours are worth counting.",
    "Shall we talk again when that figure matters to you?",
    "A rep with no notes writes worse e-mails.",
    "Your reps have no time for a second draft.",
    "Is there a day next week when this suits you?",
    "If patching is not on your list, what is?",
    "Have a look at the page on pricing.",
    "Nobody knows who writes it.",
    "If not patching, then which part costs the most hours?",
    "A team with no budget still has weekends.",
)
ASKS = (
    "Reply yes and I will send three lines on it.",
    "Say the word and I'll send the draft.",
    "Let me know if that is of interest.",
    "Worth a look?",
    "Send me the page you would start with.",
    "Happy to rewrite one of your pages if that helps.",
    "If you want it, I'll send it over.",
    "Point me to the person who owns this.",
    "Just hit reply with a yes.",
    "Pick a page and I will redo its opening.",
    "I'd love to hear how you do it.",
    "Tell me where I am wrong.",
    "Open to a short talk next week.",
)
STATEMENTS = (
    "That would be of use to you.",
    "We help teams like yours.",
    "Our product saves time.",
    "The door stays open.",
    "I think this fits Sendoso.",
)
PROMISES = (
    "I can send you our report on it.",
    "We would share a free calculator.",
    "I attached the white paper.",
    "Want me to send the checklist over?",
    "Shall I share a template?",
    "Happy to send you our benchmark.",
    "I'll put together an audit for you.",
    "Reply yes and I will send you the playbook.",
    "Attached is our guide.",
    "I have attached a case study.",
    "Let me send you the e-book.",
)
NO_PROMISES = (
    "Your teams prepare each audit report by hand.",
    "When you prepare for an audit, hours go.",
    "We help you prepare your audit.",
    "Who would share the report with your auditors?",
    "Reply yes and I will send three lines.",
    "I can send you a draft of one page.",
    "You share a playbook with each new rep.",
    "I will send word.",
    "We built a guide into the product.",
)


@pytest.mark.parametrize("text", WAYS_OUT)
def test_an_easy_way_to_say_no_is_recognised(text: str) -> None:
    assert has_way_out(f"One thought to keep.\n\n{text}\n\nAda")


@pytest.mark.parametrize("text", NO_WAYS_OUT)
def test_a_text_that_merely_contains_a_no_is_not_a_way_out(text: str) -> None:
    assert not has_way_out(text)


@pytest.mark.parametrize("text", ASKS)
def test_a_request_or_an_offer_is_an_ask(text: str) -> None:
    assert is_ask(text)


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_statement_is_not_an_ask(text: str) -> None:
    assert not is_ask(text)


@pytest.mark.parametrize("text", PROMISES)
def test_a_promise_of_something_that_no_page_shows_is_empty(text: str) -> None:
    assert empty_promise(text, ["We light yards."])
    assert empty_promise(text, ["We light yards."]) in text


@pytest.mark.parametrize("text", PROMISES)
def test_a_promise_of_something_that_a_page_shows_is_not_empty(text: str) -> None:
    shown = "Read our report, white paper, checklist, template, benchmark, audits, playbooks, guide and case studies"
    assert not empty_promise(text, [f"{shown}, an e-book and a calculator."])


@pytest.mark.parametrize("text", NO_PROMISES)
def test_actions_of_the_reader_and_messages_of_the_rep_are_not_promises(text: str) -> None:
    assert not empty_promise(text, [])


@pytest.mark.parametrize(
    "question", ["Do you like it?", "Do you like it or not?", "Is it dark?", "Have you two or more halls?"]
)
def test_a_yes_or_no_question_is_closed(question: str) -> None:
    assert is_closed(question)


@pytest.mark.parametrize(
    "question",
    [
        "How is it lit?",
        "Can you walk me through a night?",
        "Could you describe the last hall?",
        "Is that done by hand or by a tool?",
    ],
)
def test_a_question_that_invites_an_explanation_is_open(question: str) -> None:
    assert not is_closed(question)
