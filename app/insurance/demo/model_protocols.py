"""Anthropic's messages protocol in the words of OpenAI's, for the scripted model server: one script serves both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
_STOPPED = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "refusal": "refusal"}


def as_openai(body: Mapping[str, Any]) -> Json:
    """A request of Anthropic's protocol as one of OpenAI's."""
    system = body.get("system", "")
    messages = [{"role": "system", "content": system if isinstance(system, str) else _joined(system)}]
    for message in body["messages"]:
        messages += _messages(message)
    tools = [
        {
            "type": "function",
            "function": {"name": t["name"], "parameters": t["input_schema"], "description": t.get("description")},
        }
        for t in body.get("tools", ())
    ]
    return {"model": body["model"], "messages": messages, "tools": tools}


def as_anthropic(answer: Mapping[str, Any]) -> Json:
    """An answer of OpenAI's protocol as one of Anthropic's."""
    (choice,) = answer["choices"]
    said, finish = choice["message"], choice["finish_reason"]
    content: list[Json] = []
    if text := said.get("content") or said.get("refusal"):
        content.append({"type": "text", "text": text})
    for call in said.get("tool_calls", ()):
        arguments = call["function"]["arguments"]
        try:
            wanted = json.loads(arguments)
        except ValueError:  # this protocol has no way to say half of it
            wanted = {"half": arguments}
        content.append({"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": wanted})
    usage = answer["usage"]
    return {
        "id": answer["id"],
        "type": "message",
        "role": "assistant",
        "model": answer["model"],
        "content": content,
        "stop_reason": _STOPPED["refusal" if said.get("refusal") else finish],
        "stop_sequence": None,
        "usage": {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]},
    }


def _messages(message: Mapping[str, Any]) -> Iterator[Json]:
    blocks = message["content"]
    if isinstance(blocks, str):
        yield {"role": message["role"], "content": blocks}
        return
    for block in blocks:
        if block["type"] == "tool_result":
            content = block["content"]
            yield {"role": "tool", "content": content if isinstance(content, str) else _joined(content)}
    text, calls = _joined(blocks), [block for block in blocks if block["type"] == "tool_use"]
    if text or calls:
        yield {"role": message["role"], "content": text, "calls": [[call["name"], call["input"]] for call in calls]}


def _joined(blocks: Any) -> str:
    return "".join(block.get("text", "") for block in blocks)
