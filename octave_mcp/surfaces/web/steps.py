"""The steps of a run in the words of the page that shows its progress."""

from __future__ import annotations

# The names of the steps in events, each with what a person reads.
STEPS = {
    "validate_and_map": "Find both websites and their pages",
    "scrape_homepage": "Read the home pages",
    "analyse_homepage": "Understand what each company does",
    "prioritise_urls": "Choose the pages that matter",
    "read_pack": "Read the pages and collect quotations",
    "understand": "Understand the prospect",
    "write_playbook": "Write the playbook",
    "verify": "Check each claim against its quotation",
}
