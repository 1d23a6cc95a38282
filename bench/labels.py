"""Draw random findings from playbooks so that readers can judge whether each finding has the right label.

    python bench/labels.py SEED COUNT PLAYBOOK.json ...

The script prints one JSON object per finding, with the site, the finding, its quotations with their pages, and its
label. The label is the name of the list that contains the finding. The same seed and playbooks always give the same
findings.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from octave_mcp.domain.evidence import Finding  # noqa: E402 - needs the path set above
from octave_mcp.domain.findings import CompanyFindings  # noqa: E402
from octave_mcp.domain.playbook import Playbook  # noqa: E402


def lists(playbook: Playbook) -> Iterator[tuple[str, tuple[Finding[Any], ...]]]:
    """Yield the name and the findings of each list in a playbook.

    Conclusions such as pain points and personas are left out, because no page states them.
    """
    yield from playbook.vendor_elements.by_kind()
    yield "facts", playbook.prospect_intelligence.company_profile.facts
    for kind in CompanyFindings.model_fields:
        yield kind, getattr(playbook, kind)


def findings(playbook: Playbook) -> Iterator[dict[str, Any]]:
    for kind, found in lists(playbook):
        for finding in found:
            evidence = [playbook.evidence[id_] for id_ in finding.evidence]
            quotations = [{"quote": item.quote, "page": item.url, "title": item.page_title} for item in evidence]
            company = playbook.companies[evidence[0].role]
            fields = finding.model_dump(mode="json", exclude={"evidence"})
            yield {"site": company.domain, "name": company.name, "list": kind, "says": fields, "quotations": quotations}


def main(seed: str, count: str, *files: str) -> None:
    playbooks = [Playbook.model_validate_json(Path(file).read_text()) for file in files]
    every = [finding for playbook in playbooks for finding in findings(playbook)]
    drawn = random.Random(seed).sample(every, min(int(count), len(every)))  # noqa: S311 - reproducible by seed; nothing depends on its secrecy
    for number, finding in enumerate(drawn, 1):
        print(json.dumps({"number": number, **finding}, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
