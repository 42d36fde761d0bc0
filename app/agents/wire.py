"""A model request in plain words: what is kept of a conversation, and what a request is known by.

The law: only what a model is given, and nothing that differs between two attempts (times, run ids, ids made up on the
way). Two requests with the same plain messages are the same request.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    RetryFeedbackPart,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters

from app.core.canonical import canonical
from app.core.errors import NotCanonical

Plain = dict[str, Any]


def plain_request(
    instructions: str, parameters: ModelRequestParameters, messages: Sequence[ModelMessage]
) -> list[Plain]:
    """Everything a model is given in a request: instructions, tools and answer's schema first, then the conversation."""
    frame: Plain = {"role": "system", "text": instructions}
    if parameters.function_tools:
        frame["tools"] = [
            {"name": tool.name, "about": tool.description, "takes": tool.parameters_json_schema}
            for tool in parameters.function_tools
        ]
    if parameters.output_tools:
        frame["answers"] = parameters.output_tools[0].parameters_json_schema
    elif parameters.output_object is not None:
        frame["answers"] = parameters.output_object.json_schema
    return [frame, *(plain for message in messages for plain in _plain(message))]


def _plain(message: ModelMessage) -> Iterator[Plain]:
    if isinstance(message, ModelRequest):
        yield from (plain for part in message.parts if (plain := _asked(part)))
    else:
        yield _answered(message)


def _asked(part: ModelRequestPart) -> Plain | None:
    match part:
        case UserPromptPart():
            return {
                "role": "user",
                "text": part.content if isinstance(part.content, str) else [str(c) for c in part.content],
            }
        case SystemPromptPart():
            return {"role": "system", "text": part.content}
        case ToolReturnPart():
            return {
                "role": "tool",
                "name": part.tool_name,
                "call": part.tool_call_id,
                "text": part.model_response_str(),
            }
        case RetryFeedbackPart():
            return {"role": "correction", "text": part.model_response()}
        case _:  # what the library keeps for itself between requests
            return None


def _answered(response: ModelResponse) -> Plain:
    plain: Plain = {"role": "model"}
    for part in response.parts:
        if isinstance(part, TextPart):
            plain["text"] = plain.get("text", "") + part.content
        elif isinstance(part, ThinkingPart):
            plain["thinking"] = plain.get("thinking", "") + part.content
        elif isinstance(part, ToolCallPart):
            plain.setdefault("calls", []).append(
                {"name": part.tool_name, "call": part.tool_call_id, "with": _arguments(part)}
            )
    return plain


def _arguments(part: ToolCallPart) -> Any:
    """What a tool is called with, however it was spelled; the text itself if it is no JSON that can be kept."""
    text = part.args_as_json_str()
    try:
        value = json.loads(text)
        canonical(value)
    except (ValueError, RecursionError, NotCanonical):
        return text
    return value
