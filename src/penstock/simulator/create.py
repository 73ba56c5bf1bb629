"""A create call of any dialect: read, refuse, count, meet the cache, answer under the cap, and shape the response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from penstock.cachemodel.machine import Admission, Rejected, admit
from penstock.cachemodel.prompt import prompt_of
from penstock.models.prices import Tier
from penstock.models.profile import Profile
from penstock.simulator import anthropic_messages, anthropic_rules, openai_chat, openai_responses, openai_rules, reading
from penstock.simulator.answer import Answered, answer
from penstock.simulator.diagnostics import wants_memory
from penstock.simulator.errors import ApiError
from penstock.simulator.finished import Finished
from penstock.simulator.incoming import Incoming
from penstock.simulator.over_limit import over_limit
from penstock.simulator.reply import prompt_digest
from penstock.simulator.response import Pending, Response
from penstock.simulator.thinking import thinking_tokens, thinks
from penstock.simulator.world import World
from penstock.wire.dialect import Dialect
from penstock.wire.stream_out import stream_events
from penstock.wire.view import View

_BODY_OF: Mapping[Dialect, Callable[[Finished], dict[str, Any]]] = {
    Dialect.ANTHROPIC_MESSAGES: anthropic_messages.body_of,
    Dialect.OPENAI_CHAT: openai_chat.body_of,
    Dialect.OPENAI_RESPONSES: openai_responses.body_of,
}


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was read and not refused.

    Attributes:
        world: what the provider remembers.
        incoming: the request.
        body: its decoded body, earlier turns included.
        view: the same as the wire reads it.
        profile: the model.
        counts: tokens of each segment.
    """

    world: World
    incoming: Incoming
    body: dict[str, Any]
    view: View
    profile: Profile
    counts: list[int]


def create(world: World, incoming: Incoming, dialect: Dialect, scope: str) -> Response:
    """Answer a create call; ApiError for a refusal."""
    call = _read(world, incoming, dialect)
    try:
        prompt = prompt_of(call.view, call.profile, call.counts, scope=scope)
        admission = admit(world.cache, prompt, incoming.at)
    except Rejected as rejected:
        raise ApiError(rejected.status, rejected.kind, str(rejected)) from None
    _limit(call, admission)
    finished = _finish(call, admission)
    if wants_memory(call.body, call.view):
        finished = _diagnosed(call, finished)
    built = _BODY_OF[dialect](finished)
    if dialect is Dialect.OPENAI_RESPONSES and call.body.get("store") is not False:
        world.conversations.remember(finished.id, call.view.raw, msgspec.json.encode(built))
    return _response(call, finished, admission, built)


def _read(world: World, incoming: Incoming, dialect: Dialect) -> _Call:
    body = reading.decoded(incoming.body, incoming.provider)
    raw = incoming.body
    if dialect is Dialect.OPENAI_RESPONSES and body.get("previous_response_id") is not None:
        body = world.conversations.expanded(body)
        raw = msgspec.json.encode(body)
    profile = reading.profile_for(body, incoming.provider, incoming.at)
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        anthropic_rules.check(body, profile, incoming.headers.get("anthropic-version", ""))
    elif dialect is Dialect.OPENAI_CHAT:
        openai_chat.check(body, profile)
    else:
        openai_responses.check(body, profile)
    view = reading.view_of(dialect, raw)
    counts = reading.counts_of(world.counter, view, profile)
    reading.check_window(sum(counts), profile)
    return _Call(world=world, incoming=incoming, body=body, view=view, profile=profile, counts=counts)


def _limit(call: _Call, admission: Admission) -> None:
    """Take the call's tokens from the rate limits, or refuse it (provider-semantics 1.8, 2.7)."""
    usage, model, provider = admission.usage(), call.profile.model, call.incoming.provider
    if provider == "anthropic":
        counted = usage.input_total if call.profile.limits_count_reads else usage.input_total - usage.cache_read
        needs = {"input_tokens": float(counted), "output_tokens": 1.0}
    else:
        cap = call.view.cap
        needs = {"tokens": float(max(usage.input_total, cap[1] if cap else 0))}
    refused = call.world.limiter.admit(provider, model, needs, call.incoming.at)
    if refused is not None:
        raise over_limit(provider, model, refused)


def _finish(call: _Call, admission: Admission) -> Finished:
    body, profile = call.body, call.profile
    digest = prompt_digest(call.view)
    answered, delay = _answered(call, digest, admission.usage().input_total)
    choices = body.get("n")
    copies = choices if call.view.dialect is Dialect.OPENAI_CHAT and isinstance(choices, int) else 1
    reasoning = answered.reasoning_tokens * copies if profile.reasons or answered.reasoning_tokens else None
    return Finished(
        id=_response_id(call),
        created=int(call.incoming.at),
        request=body,
        model=call.view.model,
        profile=profile,
        answered=answered,
        usage=admission.usage(output=answered.output_tokens * copies, reasoning=reasoning),
        tier="standard" if call.incoming.provider == "anthropic" else openai_rules.tier_of_response(body),
        digest=digest,
        ids=call.world.ids,
        delay=delay,
    )


def _answered(call: _Call, digest: bytes, prompt_tokens: int) -> tuple[Answered, float | None]:
    """The answer under the request's limits, and the delay that its reply asks for."""
    body, profile = call.body, call.profile
    if _generates_nothing(body):
        nothing = Answered(text="", tool_calls=(), output_tokens=0, reasoning_tokens=0, finish="length", visible=False)
        return nothing, None
    reply = call.world.responder(call.view, digest)
    thinking = reply.reasoning_tokens
    if thinking is None:
        thinking = thinking_tokens(body, profile, digest, call.world.config.seed)
    elif not thinks(body, profile):
        thinking = 0
    window, most, cap = profile.context_window, profile.max_output, call.view.cap
    answered = answer(
        reply,
        call.view,
        profile,
        thinking=thinking,
        cap=cap[1] if cap is not None else most if isinstance(most, int) else None,
        room=window - prompt_tokens if isinstance(window, int) else None,
    )
    return answered, reply.delay


def _generates_nothing(body: Mapping[str, Any]) -> bool:
    """A pre-warming request: ``max_tokens: 0`` or ``prompt_cache_options.prewarm`` (provider-semantics 1.6, 2.2)."""
    options = body.get("prompt_cache_options")
    return body.get("max_tokens") == 0 or (isinstance(options, Mapping) and options.get("prewarm") is True)


def _response_id(call: _Call) -> str:
    ids, dialect = call.world.ids, call.view.dialect
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        return ids.next("msg_01", 22)
    return ids.next("chatcmpl-", 29) if dialect is Dialect.OPENAI_CHAT else ids.hexadecimal("resp_", 48)


def _diagnosed(call: _Call, finished: Finished) -> Finished:
    diagnoses = call.world.diagnoses
    ask = diagnoses.anthropic if call.incoming.provider == "anthropic" else diagnoses.openai
    found = ask(call.body, call.view, call.counts)
    diagnoses.remember(finished.id, call.body, call.view, call.counts)
    return finished if found is None else msgspec.structs.replace(finished, diagnostics=found)


def _response(call: _Call, finished: Finished, admission: Admission, built: dict[str, Any]) -> Response:
    incoming, view, config = call.incoming, call.view, call.world.config
    if view.stream:
        options = call.body.get("stream_options")
        wanted = isinstance(options, Mapping) and options.get("include_usage") is True
        chunks = tuple(stream_events(view.dialect, built, include_usage=wanted))
        content_type = "text/event-stream; charset=utf-8"
    else:
        chunks = (msgspec.json.encode(built),)
        content_type = "application/json"
    limits = call.world.limiter.headers(incoming.provider, call.profile.model, incoming.at)
    return Response(
        id=incoming.id,
        at=incoming.at,
        path=incoming.path,
        status=200,
        headers=[("content-type", content_type), *limits],
        chunks=chunks,
        stream=view.stream,
        whole=len(chunks),
        first_byte_s=config.first_byte_s if finished.delay is None else finished.delay,
        generation_s=finished.usage.output / config.tokens_per_s if config.tokens_per_s > 0 else 0.0,
        pending=Pending(
            admission=admission,
            provider=incoming.provider,
            model=finished.model,
            limit_key=call.profile.model,
            usage=finished.usage,
            tier=finished.tier,
            billing=_billing(call, finished.tier),
            finish=finished.answered.finish,
            task=incoming.task,
        ),
    )


def _billing(call: _Call, tier: str) -> Tier:
    """The tier that the call is billed at: the one that its response names."""
    if call.incoming.provider == "anthropic":
        return Tier(
            processing="fast" if call.body.get("speed") == "fast" else "standard",
            geo="us" if call.body.get("inference_geo") == "us" else None,
        )
    if tier == "flex":
        return Tier(processing="flex")
    return Tier(processing="fast") if tier == "priority" else Tier()
