"""Starts a run about the demo's companies, to be recorded: a language model answers its questions through files.

    python scripts/answer_demo.py FOLDER

Each question is written to FOLDER/NN.md; the run goes on when its answer is in FOLDER/NN.json (write it under another
name, then rename it). What the checks make of an answer is printed. Stopped and started again, it goes on with the same
run. It ends with the command that records the run.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from octave_mcp.app import App
from octave_mcp.demo import serve_demo_by_name
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import PlaybookRequest, RunRecord
from octave_mcp.observability import logs
from octave_mcp.settings import load

LOOK_SECONDS = 0.5


async def answer(folder: Path) -> None:
    async with serve_demo_by_name() as demo:
        settings = load(source="crawler", verify_model="")
        logs.configure(settings, stderr_level="ERROR")
        app = App(settings, served=demo.served)
        await app.runs.open()
        request = PlaybookRequest(vendor=demo.vendor, prospect=demo.prospect, model="host", refresh=True)
        record = next(iter(await app.store.unfinished()), None) or await app.runs.start(request)
        _say(f"run {record.run_id}")
        try:
            record = await _answered(app, record, folder)
        finally:
            await app.runs.close()
    _say(f"{record.status}{f': {record.error.message}' if record.error else ''}")
    _say(f"to record it: make record RUN={record.run_id} MODEL=the-model-that-answered OUT=octave_mcp/demo/recordings")


async def _answered(app: App, record: RunRecord, folder: Path) -> RunRecord:
    while not record.is_final:
        record, question, _ = await app.runs.next_question(record.run_id, 600)
        if question:
            text = await asyncio.to_thread(_answer_to, question, folder)
            record, judged, _ = await app.runs.answer(record.run_id, question.question_id, text)
            _say(f"{question.prompt}: {judged.wrong or 'accepted'}")
    return record


def _answer_to(question: QuestionRecord, folder: Path) -> str:
    number = 1 + sum(1 for _ in folder.glob("*.json"))
    asked, answered = folder / f"{number:02}.md", folder / f"{number:02}.json"
    schema = json.dumps(question.answer_schema)
    parts = (question.instructions, question.material, question.complaint, f"The form of the answer:\n\n{schema}")
    asked.write_text("\n\n".join(filter(None, parts)), encoding="utf-8")
    _say(f"{asked} ({question.prompt}, {question.tokens} tokens) waits for {answered}")
    while not answered.exists():
        time.sleep(LOOK_SECONDS)
    return answered.read_text("utf-8")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    asyncio.run(answer(place))
