"""A model server for tests and the demo: the protocols of OpenAI and Anthropic over HTTP, scripted, honest about its bill.

It is no model. A script says what it answers; anything it bills stands in its own SQLite file, so that nobody has to
take the client's word for what was paid.

    python -m app.insurance.demo.model_server --port 0 --folder DIR      (writes DIR/port when it listens)

DIR/script.json, read anew for every request, is a list of parts; the first whose `when` is found in the request's text
(instructions and conversation) answers:

    [{"when": "word", "turns": [reply, reply, …], "faults": [fault, …]}]

The n-th turn of a conversation (the number of answers already in it, from 0) gets the n-th reply, the last one again
and again: a request repeated after a crash gets the same answer. A reply is one of

    {"answer": {…}}                    the answer in the asked schema: by the tool "answer", or as JSON text
    {"rule": "document_extraction"}    the same, as the offline rules of that prompt answer the request (JSON of the user)
    {"calls": [{"name": …, "with": {…}}]}   a tool round; with "say": "…" it talks as well
    {"text": "…"}  {"refusal": "…"}    prose; a refusal by the protocol's own field
    {"raw": "…"}                       this very text in the answer's place, JSON or not

with, beside it: "spoil": "date" (a fact's date is moved) or "kind" (a wrong category), by the request's own hash as the
seed, so the same request is spoiled the same way; "cut": true (its JSON ends half way, finish reason stop), "length":
true (the same, finish reason length). A fault happens before any reply, `times` times per conversation and turn:

    {"turn": 0, "times": 2, "status": 429, "retry_after": 1}    an HTTP error; "code" and "message" as given
    {"turn": 1, "times": 1, "hang": 30}                         no answer for so long; billed, as real ones are
    {"turn": 1, "times": 1, "broken": true}                     a body that ends half way; billed

Tokens are counted from the very text received and sent: each run of up to four letters or digits, and each other
character that is not white space, is one token. An HTTP error bills nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from app.insurance.demo.model_protocols import as_anthropic, as_openai
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from workflows.insurance_claim.assessing.prompts import PROMPTS

_TOKEN = re.compile(r"[^\W_]{1,4}|[^\w\s]|_")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, conversation TEXT NOT NULL, about TEXT NOT NULL, turn INTEGER NOT NULL, request TEXT NOT NULL,
    model TEXT NOT NULL, part TEXT, did TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL)"""

Json = dict[str, Any]
RULES = OFFLINE_RULES | {prompt.name: prompt.rule for prompt in PROMPTS if prompt.rule}


def tokens(text: str) -> int:
    """How many tokens a text has, by this server's count."""
    return len(_TOKEN.findall(text))


class Books:
    """What was asked and what was billed, in a file."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(_SCHEMA)
        self._lock = threading.Lock()

    def faults_so_far(self, conversation: str, turn: int, did: str) -> int:
        """How often a fault happened in this turn of the conversation."""
        with self._lock:
            query = "SELECT count(*) FROM requests WHERE conversation = ? AND turn = ? AND did = ?"
            return int(self._db.execute(query, [conversation, turn, did]).fetchone()[0])

    def write(self, asked: Asked, did: str, tokens_in: int, tokens_out: int) -> None:
        """One request and its bill."""
        row = [
            time.time(),
            asked.conversation,
            asked.user[:200],
            asked.turn,
            asked.digest,
            asked.model,
            asked.part_name,
            did,
            tokens_in,
            tokens_out,
        ]
        with self._lock:
            self._db.execute(
                "INSERT INTO requests (at, conversation, about, turn, request, model, part, did, tokens_in, tokens_out)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )


class Asked:
    """A request as the server sees it."""

    def __init__(self, body: Json, script: Sequence[Json]) -> None:
        self.messages: list[Json] = body["messages"]
        self.model = str(body.get("model", ""))
        self.tools = [tool["function"]["name"] for tool in body.get("tools", ())]
        self.text = json.dumps([body["messages"], body.get("tools"), body.get("response_format")], ensure_ascii=False)
        self.user = next((_text(m) for m in self.messages if m["role"] == "user"), "")
        self.turn = sum(m["role"] == "assistant" for m in self.messages)
        self.digest = hashlib.sha256(json.dumps(self.messages, sort_keys=True).encode()).hexdigest()
        first = [m for m in self.messages if m["role"] in ("system", "developer", "user")][:2]
        self.conversation = hashlib.sha256(json.dumps(first, sort_keys=True).encode()).hexdigest()[:16]
        self.part = next((part for part in script if part.get("when", "") in self.text), None)
        self.part_name = self.part.get("when", "") if self.part else None

    def fault(self, books: Books) -> tuple[str, Json] | None:
        """The fault due now, with its name in the books."""
        for n, fault in enumerate(self.part.get("faults", ()) if self.part else ()):
            name = f"fault {n}"
            if fault.get("turn", 0) == self.turn and books.faults_so_far(
                self.conversation, self.turn, name
            ) < fault.get("times", 1):
                return name, fault
        return None

    def reply(self) -> Json:
        """What the script answers in this turn."""
        turns = self.part.get("turns", ()) if self.part else ()
        return dict(turns[min(self.turn, len(turns) - 1)]) if turns else {"text": "The script says nothing of this."}


def message(asked: Asked, reply: Json) -> tuple[Json, str]:
    """The assistant's message for a reply, and its finish reason."""
    finish = "length" if reply.get("length") else "stop"
    half = bool(reply.get("cut") or reply.get("length"))
    if "calls" in reply:
        calls = [(call["name"], json.dumps(call.get("with", {}))) for call in reply["calls"]]
        return {**_calls(asked, calls, half), "content": reply.get("say")}, "tool_calls"
    if "refusal" in reply:
        return {"role": "assistant", "content": None, "refusal": reply["refusal"]}, "stop"
    if "text" in reply:
        return {"role": "assistant", "content": reply["text"]}, finish
    if (answer := reply.get("raw")) is None:
        spoilt = _spoilt(_answer(asked, reply), reply.get("spoil"), asked.digest)
        answer = json.dumps(spoilt, ensure_ascii=False)
    if "answer" in asked.tools:
        return _calls(asked, [("answer", answer)], half), "length" if reply.get("length") else "tool_calls"
    return {"role": "assistant", "content": _cut(answer, half)}, finish


def _answer(asked: Asked, reply: Json) -> Any:
    if "rule" in reply:
        return RULES[reply["rule"]](json.loads(asked.user)).model_dump(mode="json")
    return reply.get("answer", {})


def _calls(asked: Asked, calls: Sequence[tuple[str, str]], half: bool) -> Json:
    made = [
        {
            "id": f"call_{asked.digest[:12]}_{n}",
            "type": "function",
            "function": {"name": name, "arguments": _cut(text, half)},
        }
        for n, (name, text) in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


def _cut(text: str, half: bool) -> str:
    return text[: len(text) // 2] if half else text


def _spoilt(answer: Any, how: str | None, digest: str) -> Any:
    """The answer with one thing wrong, chosen by the request's hash."""
    if not isinstance(answer, dict) or how is None:
        return answer
    seed = int(digest[:8], 16)
    if how == "kind":
        wrong = [
            k for k in ("claim_form", "police_report", "repair_estimate", "repair_invoice") if k != answer.get("kind")
        ]
        return {**answer, "kind": wrong[seed % len(wrong)]}
    fields = answer.get("fields", {})
    dated = sorted(n for n, f in fields.items() if isinstance(f.get("value"), str) and _DATE.fullmatch(f["value"]))
    if not dated:
        return answer
    name = dated[seed % len(dated)]
    moved = date.fromisoformat(fields[name]["value"]) + timedelta(days=1 + seed % 28)
    return {**answer, "fields": {**fields, name: {**fields[name], "value": moved.isoformat()}}}


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    books: Books
    script: Path

    def do_GET(self) -> None:
        self._send(200, {"object": "list", "data": [{"id": "simulated", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        anthropic = self.path.endswith("/messages")
        body = as_openai(body) if anthropic else body
        asked = Asked(body, json.loads(self.script.read_text()) if self.script.exists() else [])
        fault = asked.fault(self.books)
        if fault is not None and "status" in fault[1]:
            self._refuse(asked, *fault)
            return
        said, finish = message(asked, asked.reply())
        used = tokens(asked.text), tokens(json.dumps(said, ensure_ascii=False))
        # Billed when it is answered, not when the client reads it: so a client that dies has still paid.
        self.books.write(asked, fault[0] if fault else "answered", *used)
        answer = {
            "id": f"sim-{asked.digest[:16]}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": asked.model,
            "choices": [{"index": 0, "message": said, "finish_reason": finish}],
            "usage": {"prompt_tokens": used[0], "completion_tokens": used[1], "total_tokens": sum(used)},
        }
        if fault and "hang" in fault[1]:
            time.sleep(float(fault[1]["hang"]))
        self._send(200, as_anthropic(answer) if anthropic else answer, broken=bool(fault and fault[1].get("broken")))

    def _refuse(self, asked: Asked, name: str, fault: Json) -> None:
        self.books.write(asked, name, 0, 0)
        headers = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
        error = {
            "message": fault.get("message", "scripted"),
            "type": "scripted",
            "code": fault.get("code", str(fault["status"])),
        }
        self._send(int(fault["status"]), {"error": error}, headers)

    def _send(self, status: int, body: Json, headers: Mapping[str, str] | None = None, *, broken: bool = False) -> None:
        content = json.dumps(body).encode()
        content = content[: len(content) // 2] if broken else content
        try:
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it)
        """Nothing: what happened stands in the books."""


class Server(ThreadingHTTPServer):
    """A thread for each connection. Hundreds of claims may connect at once: with the default queue of 5 some time out."""

    request_queue_size = 1024


def serve(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server over its folder, listening on the loopback."""
    folder.mkdir(parents=True, exist_ok=True)
    bound = type("Bound", (Handler,), {"books": Books(folder / "bill.sqlite"), "script": folder / "script.json"})
    server = Server(("127.0.0.1", port), bound)
    (folder / "port.new").write_text(str(server.server_address[1]))
    (folder / "port.new").replace(folder / "port")
    return server


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(
        prog="python -m app.insurance.demo.model_server", description="A scripted model server."
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args(arguments)
    serve(options.folder, options.port).serve_forever()


if __name__ == "__main__":
    main()
