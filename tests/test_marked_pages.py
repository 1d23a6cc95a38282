"""F1 score and recall of text extraction, measured on the held-out third of a collection of annotated pages."""

from __future__ import annotations

from itertools import islice
from statistics import fmean

import extraction
import pytest
from matrix import sampled

from octave_mcp.sources.html.extraction import main_text

MIN_F1, MIN_RECALL = 0.83, 0.93


@pytest.mark.skipif(not extraction.PAGES.is_dir(), reason="the collection of marked pages (../shared/wcxb) is absent")
@pytest.mark.parametrize("stride", sampled((1, 6), lambda stride: stride > 1))
def test_held_out_marketing_pages_keep_their_content(stride: int) -> None:
    pages = (page for page in extraction.marked_pages() if page.kind == "service" and page.held_out)
    scores = [extraction.scored(page, main_text) for page in islice(pages, None, None, stride)]

    assert len(scores) > 50 / stride
    assert fmean(score.f1 for score in scores) >= MIN_F1
    assert fmean(score.recall for score in scores) >= MIN_RECALL
