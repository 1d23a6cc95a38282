"""Run the demo with a language model that writes its answers to files. Afterwards, you can record this run.

    python scripts/answer_demo.py FOLDER

The script writes each question to FOLDER/NN.md, and waits for the answer in FOLDER/NN.json. Write the answer to a file
with another name and then rename the file, so that the script never reads an incomplete answer. For each answer, the
script prints whether the run accepted it. At the end, it prints the command that records the run. If you stop the
script and start it again, the same run continues.
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

POLL_SECONDS = 0.5


async def answer(folder: Path) -> None:
    async with serve_demo_by_name() as demo:
        settings = load(source="crawler", verify_model="")
        logs.configure(settings, stderr_level="ERROR")
        app = App(settings, served=demo.served)
        await app.runs.open()
        request = PlaybookRequest(vendor=demo.vendor, prospect=demo.prospect, model="host", refresh=True)
        record = next(iter(await app.store.unfinished()), None) or await app.runs.start(request)
        _print(f"run {record.run_id}")
        try:
            record = await _answer_all(app, record, folder)
        finally:
            await app.runs.close()
    _print(f"{record.status}{f': {record.error.message}' if record.error else ''}")
    _print(
        f"to record it: make record RUN={record.run_id} MODEL=the-model-that-answered OUT=octave_mcp/demo/recordings"
    )


async def _answer_all(app: App, record: RunRecord, folder: Path) -> RunRecord:
    while not record.is_final:
        record, question, _ = await app.runs.next_question(record.run_id, 600)
        if question:
            text = await asyncio.to_thread(_answer_from_file, question, folder)
            record, checked, _ = await app.runs.answer(record.run_id, question.question_id, text)
            _print(f"{question.prompt}: {checked.wrong or 'accepted'}")
    return record


def _answer_from_file(question: QuestionRecord, folder: Path) -> str:
    number = 1 + sum(1 for _ in folder.glob("*.json"))
    question_file, answer_file = folder / f"{number:02}.md", folder / f"{number:02}.json"
    schema = json.dumps(question.answer_schema)
    parts = (question.instructions, question.material, question.complaint, f"The form of the answer:\n\n{schema}")
    question_file.write_text("\n\n".join(filter(None, parts)), encoding="utf-8")
    _print(f"{question_file} ({question.prompt}, {question.tokens} tokens): waiting for {answer_file}")
    while not answer_file.exists():
        time.sleep(POLL_SECONDS)
    return answer_file.read_text("utf-8")


def _print(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(answer(folder))
