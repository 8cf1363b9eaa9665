"""The request of a chat completion: which fields there are, what is refused, and what has no effect.

Unknown fields are refused. Fields of OpenAI's API that clients always send and that a search has no use for are read,
checked, and named in the reply under `ignored`: nothing is dropped in silence.
"""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.serve.errors import ApiError, wrong_value

_INT64 = 2**63
_NAME_CHARS = 64
"""Of a name that a client made up, as an error repeats it."""


class _Fields(BaseModel):
    # Strict: "4" is no number. An error must not repeat what was sent: it may end in a log.
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class TextPart(_Fields):
    """A piece of a message's content."""

    type: Literal["text"]
    text: str


class Message(_Fields):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    type: Literal["text"] | None = None
    """lm-evaluation-harness sends it."""

    def text(self) -> str:
        """The content as one text, parts on lines of their own."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(_Fields):
    """What a stream holds beside the text."""

    include_usage: bool | None = None
    """A last chunk with the cost of the whole request."""


_Unit = Annotated[float, Field(ge=-2, le=2)]
_Length = Annotated[int, Field(ge=1)]


class ChatRequest(_Fields):
    """Body of POST /v1/chat/completions."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    messages: Annotated[list[Message], Field(min_length=1, max_length=1024)]
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    """Independent searches, each with a seed of its own."""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    seed: Annotated[int, Field(ge=-_INT64, lt=_INT64)] | None = None
    """The same seed gives the same answer; without one it is the server's, so a question has one answer."""

    budget: Annotated[int, Field(ge=1, lt=_INT64)] | None = None
    """Trajectories of each search; None: the server's default."""
    method: Annotated[str, Field(max_length=64)] | None = None
    """sample, beam, dvts, particle or mcts; None: the server's default."""
    rule: Annotated[str, Field(max_length=64)] | None = None
    """Which answer wins: best, majority, weighted or top_k; None: the server's default."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: _Length | None = None
    max_completion_tokens: _Length | None = None
    stop: str | list[str] | None = None
    frequency_penalty: _Unit | None = None
    presence_penalty: _Unit | None = None
    user: str | None = None

    tools: list[Any] | None = None
    tool_choice: Any = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, Any] | None = None

    def question(self) -> str:
        """The text of the one user message. Raises ApiError for a conversation, which a search cannot take up."""
        users = [message for message in self.messages if message.role == "user"]
        others = [message.role for message in self.messages if message.role in ("assistant", "tool")]
        if others or len(users) != 1:
            found = f"a message of the {others[0]}" if others else f"{len(users)} user messages"
            raise wrong_value("messages", f"messages: a search solves one question; send one user message, not {found}")
        text = users[0].text()
        if not text.strip():
            raise wrong_value("messages", "messages: the user message is empty; write the question into it")
        return text

    def ignored(self) -> list[str]:
        """The fields that were sent and have no effect on a search, messages of the system included."""
        found = [name for name in _NO_EFFECT if getattr(self, name) not in (None, [])]
        found += [
            f"messages[{position}]"
            for position, message in enumerate(self.messages)
            if message.role in ("system", "developer")
        ]
        return found


_NO_EFFECT = (
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "frequency_penalty", "presence_penalty",
)  # fmt: skip
REFUSED = {
    "tools": "a search calls no tools",
    "logprobs": "a searched answer has no log-probabilities",
    "top_logprobs": "a searched answer has no log-probabilities",
    "logit_bias": "the policy's logits cannot be changed from outside",
    "response_format": "only {'type': 'text'} is known",
}
"""Fields that are read only to say why not."""


def parse_request(body: bytes) -> ChatRequest:
    """The request in `body`. Raises ApiError, naming the field, for anything else."""
    try:
        request = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise _complaint(error) from None
    for name, reason in REFUSED.items():
        if getattr(request, name) and getattr(request, name) != {"type": "text"}:
            raise wrong_value(name, f"{name}: {reason}; leave it out", "unsupported_value")
    return request


def _complaint(error: ValidationError) -> ApiError:
    """The first thing that is wrong, in one sentence."""
    # An unknown field is what a user can mend; what follows from it elsewhere is not.
    first = min(
        error.errors(include_url=False, include_input=False), key=lambda each: each["type"] != "extra_forbidden"
    )
    if first["type"] == "json_invalid":
        return ApiError(400, f"the body is no JSON: {first['ctx']['error']}", code="invalid_json")
    place = _place(first["loc"])
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        close = difflib.get_close_matches(name, ChatRequest.model_fields, n=1) if len(name) <= _NAME_CHARS else []
        hint = f"did you mean {close[0]!r}?" if close else "leave it out"
        return ApiError(400, f"unknown field {place!r}; {hint}", param=place, code="unknown_parameter")
    if first["type"] == "missing":
        return ApiError(400, f"field {place!r} is missing", param=place, code="missing_required_parameter")
    text = first["msg"].removeprefix("Input should be ")
    return wrong_value(place or "body", f"{place or 'the body'}: should be {text}" if text != first["msg"] else text)


def _place(location: tuple[int | str, ...]) -> str:
    """`messages[0].content`: field names and positions, without the names of alternatives that pydantic adds."""
    place = ""
    for part in location:
        if isinstance(part, int):
            place += f"[{part}]"
        elif part not in ("str", "list[TextPart]", "list[str]"):
            place += f".{part[:_NAME_CHARS]}" if place else part[:_NAME_CHARS]
    return place
