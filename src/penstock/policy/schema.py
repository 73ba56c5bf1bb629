"""The policy file ``penstock.toml`` as types. Every key has a default; an unknown key is an error.

What a policy permits follows the risk of an edit (design, section 3): ``exact`` edits need ``mode = "apply"`` and the
lever's switch in ``[levers]``; ``equivalent`` edits need ``stabilise = true`` for the task; ``lossy`` edits need the
task's own ``cap``, ``route``, ``trim`` or ``brevity`` section (or one in ``[defaults]``), and wait for the quality gate
where the task's ``gate`` names them.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from penstock.policy.serving import Budget, Resilience, VirtualKey

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
PositiveFloat = Annotated[float, msgspec.Meta(gt=0.0)]
AtLeastOne = Annotated[float, msgspec.Meta(ge=1.0)]
Mode = Literal["observe", "apply"]
Verifier = Literal["json", "schema", "tool", "evidence"]
GatedEdit = Literal["trim", "brevity"]


class Upstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a provider is.

    Attributes:
        base_url: without a trailing path; None for the provider's public address.
        api_key: ``env:NAME`` or ``file:PATH``; None to pass on the caller's own key.
        mirrors: further addresses of the same API (regions), tried in order when one fails.
        subscription: ``apply`` lets plans change subscription or OAuth traffic; ``observe`` only watches it.
    """

    base_url: str | None = None
    api_key: str | None = None
    mirrors: tuple[str, ...] = ()
    subscription: Literal["observe", "apply"] = "observe"


class Levers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One switch per lever; false turns a lever off for every task.

    Attributes:
        cache: markers, lifetimes and cache keys.
        cap: limits on answer length.
        route: other models.
        trim: limits on prompt length.
        brevity: instructions to answer briefly.
    """

    cache: bool = True
    cap: bool = True
    route: bool = True
    trim: bool = True
    brevity: bool = True

    def on(self, lever: str) -> bool:
        """Whether the lever of that name may act; a lever without a switch may."""
        return bool(getattr(self, lever, True))


class Holdback(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The randomised share of traffic that is sent as it came, to prove the saving against.

    Attributes:
        share: of sessions (of calls where there is no session), 0..1.
        salt: mixed into the draw; change it to draw anew.
    """

    share: Share = 0.1
    salt: str = "penstock"


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Below these floors an audit says "not worth it".

    Attributes:
        floor_usd_month: possible saving of a task, US dollars a month.
        floor_calls_day: calls of a task a day, where its saving cannot be priced.
    """

    floor_usd_month: float = 20.0
    floor_calls_day: int = 300


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How calls without a task label are recognised; every given key must match.

    Attributes:
        fingerprint: the task fingerprint that ``penstock tasks`` prints, or several of one task.
        model: the model asked for.
    """

    fingerprint: str | tuple[str, ...] | None = None
    model: str | None = None


class CachePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Prompt caching for a task.

    Attributes:
        enabled: false keeps the lever away from the task.
        ttl: ``auto`` lets the planner choose by measured reuse.
        stabilise: permits equivalent edits: tools in the order of their names, tools and output schemas with their keys
            in the order that the task sent first.
        move_static_up: permits, with ``stabilise``, moving volatile lines of the system prompt below static ones.
        hold_ms: the longest that a call may wait for a sibling's cache write; 0 never waits.
        delay_usd_second: what a second of such waiting counts as, US dollars; a call waits only where reading in place
            of writing saves more than ``hold_ms`` at this price. The default, a tenth of a cent, is 3.60 dollars an
            hour, for machines that wait; someone at a screen is worth more (0.01), a nightly batch nothing (0).
        prewarm: fill a cold prefix with a request of its own ahead of parallel first calls, where measured arrivals say
            that it pays. Costs money of its own, which is booked.
        keep_alive: keep what is cached with requests of our own where the next use is expected in time to pay for them:
            one that has a paused conversation kept for an hour, or some that renew an entry. Costs money of its own,
            which is booked.
        diagnostics: ask the provider why a prompt could not reuse the one before it (Anthropic's ``diagnostics``, the
            Responses API's ``comparison_response_id``), keep what it says, and take it out of the answer that the
            caller sees. Costs nothing. A caller who asks by itself is left alone.
    """

    enabled: bool = True
    ttl: Literal["auto", "5m", "1h", "30m", "12h"] = "auto"
    stabilise: bool = False
    move_static_up: bool = False
    hold_ms: Annotated[int, msgspec.Meta(ge=0)] = 2000
    delay_usd_second: Annotated[float, msgspec.Meta(ge=0.0)] = 0.001
    prewarm: bool = False
    keep_alive: bool = False
    diagnostics: bool = False


class CapPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A limit on answer length for a task.

    Attributes:
        enabled: false keeps the lever away from the task.
        max_output: a fixed cap in tokens, used as it stands.
        output: the declared kind of answer: ``boolean``, ``number``, ``label``, ``date``, or ``under N words`` (or
            ``sentences``, ``tokens``).
        multiplier: the cap is ceil(multiplier x the expected size).
        truncation: the share of answers that the expected size may leave out, 0..1 exclusive.
        min_calls: no cap is learnt from fewer answers.
    """

    enabled: bool = True
    max_output: Positive | None = None
    output: str | None = None
    multiplier: AtLeastOne = 1.2
    truncation: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.01
    min_calls: Positive = 59


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The models of one rank, by provider, the preferred one first.

    Attributes:
        anthropic: Anthropic's.
        openai: OpenAI's.
    """

    anthropic: tuple[str, ...] = ()
    openai: tuple[str, ...] = ()

    def of(self, provider: str) -> tuple[str, ...]:
        """The models of a provider."""
        return {"anthropic": self.anthropic, "openai": self.openai}.get(provider, ())


class RoutePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another model for a task.

    Attributes:
        model: the model to send to, or a tier, of whose models the one that saves most is taken; None leaves the
            choice to the gate.
        enabled: false keeps the lever away from the task.
        fallback: the model for a second try when a verifier fails; None means the client's own.
        cascade: whether a failed verifier leads to the second try at all.
        verify: free checks of the first answer, besides truncation and refusal, which always count.
        evidence_fields: keys of a JSON answer whose text must stand in the prompt (for ``evidence``).
        variants: model to prompt name; the prompt replaces the system text for that model. A name of ``[prompts]``,
            else a file beside the policy.
        pin_sessions: keep a session on the model that it started on unless the switch pays.
        horizon_turns: turns that a session is expected to go on, for pricing the warm cache that a switch abandons.
    """

    model: str | None = None
    enabled: bool = True
    fallback: str | None = None
    cascade: bool = True
    verify: tuple[Verifier, ...] = ()
    evidence_fields: tuple[str, ...] = ("evidence", "quote", "excerpt")
    variants: dict[str, str] = {}
    pin_sessions: bool = True
    horizon_turns: PositiveFloat = 5.0


class GatePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A cheaper model, a shorter prompt or a brevity instruction that may earn a task by evidence.

    What callers ask for is the reference. What ``candidate`` and ``edits`` name is tested together, as one candidate:
    the cheaper model with the edited request, or the same model with it.

    With a ledger the evidence is kept in it across restarts; without one it lives in the process, and after a restart
    the candidate begins again in shadow.

    Attributes:
        candidate: the cheaper model, or a tier, whose first model of the call's provider it is then; None tests edits
            on the model that would be asked without a gate.
        edits: edits that wait for the gate, each with a section of its own in the task: ``trim``, ``brevity``. One that
            is not named here acts by the word of its section, on the reference and the candidate alike.
        enabled: false stops shadows and serves nobody by the gate's word: no candidate, and none of ``edits``.
        reference: calls that ask for another model than this take no part; None takes the model that is asked for.
        eps: the largest acceptable mean loss of score.
        alpha: error probability of a promotion or an easy part; all are judged together, by the smallest alpha named.
        shadow_share: of calls that both models answer before promotion.
        watch_share: the same after it.
        floor: the reference's own mean score must be shown to lie above this.
        n_min: the least number of paired answers.
        min_days: the least time in days from the first of them to the last.
        canary_share: of calls (of sessions) that the candidate serves at first.
        canary_calls: that it must serve without an alarm before it serves all; 0 promotes at once.
        shadow_usd_day: shadows stop for the day (UTC) when they and their judges have cost so much, in US dollars, in
            this process.
        shadow_batch: whether the gateway sends shadows by the provider's batch API, at half the price and hours later;
            the client sends its shadows at once.
        difficulty: whether prompts that are found easy may go to the candidate before it has earned the whole task;
            learnt in the background from the scored pairs, with the ``learn`` extra.
        embedding: ``python:MODULE:FUNCTION``, a function of your own from a text to a vector, which joins what
            difficulty is learnt from. With ``difficulty`` it runs on the path of calls that may be easy: be quick.
        grader: who scores answers that are not equal: ``python:MODULE:FUNCTION``, ``command:PROGRAM ARGUMENTS`` or an
            ``http(s)://`` URL. It is given the whole request, prompt included, and both answers.
        grader_timeout_s: seconds that it has for a pair.
        judge: the model that says which of two different texts is better, of the provider that the calls go to; asked
            where there is no grader and the answers are not both structured. Its cost is booked.
    """

    candidate: str | None = None
    edits: tuple[GatedEdit, ...] = ()
    enabled: bool = True
    reference: str | None = None
    eps: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.02
    alpha: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.05
    shadow_share: Share = 0.1
    watch_share: Share = 0.02
    floor: Share = 0.5
    n_min: Positive = 60
    min_days: Annotated[float, msgspec.Meta(ge=0.0)] = 1.0
    canary_share: Share = 0.1
    canary_calls: Annotated[int, msgspec.Meta(ge=0)] = 50
    shadow_usd_day: Annotated[float, msgspec.Meta(ge=0.0)] = 5.0
    shadow_batch: bool = False
    difficulty: bool = False
    embedding: str | None = None
    grader: str | None = None
    grader_timeout_s: PositiveFloat = 30.0
    judge: str | None = None


class TrimPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A limit on prompt length for a task.

    Attributes:
        enabled: false keeps the lever away from the task.
        window_tokens: the size of the rolling window; None leaves conversations whole.
        high: history is left alone until it is larger than high x window_tokens; where what has to stay is above the
            low mark by itself, until as much as lies between the marks has come since the cut before.
        low: it is then cut to at most low x window_tokens.
        retrieved_tokens: the cap on retrieved text in a call.
        top_k: the most retrieved chunks to keep; None for as many as fit.
        retrieved_tag: the element that wraps one retrieved chunk, besides the ones that we know.
        long_context: lifts the caps on retrieved text.
        when: ``pays`` cuts only when the cut repays the cache that it breaks; ``always`` cuts at the mark.
        horizon_turns: turns that a conversation is expected to go on, where traffic has not shown it yet.
    """

    enabled: bool = True
    window_tokens: Positive | None = None
    high: AtLeastOne = 1.2
    low: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.7
    retrieved_tokens: Positive = 4000
    top_k: Positive | None = None
    retrieved_tag: str | None = None
    long_context: bool = False
    when: Literal["pays", "always"] = "pays"
    horizon_turns: PositiveFloat = 10.0


class BrevityPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An instruction to answer briefly, put behind a task's system text.

    Attributes:
        instruction: the text, such as ``Answer in at most two sentences.``
        enabled: false keeps the lever away from the task.
    """

    instruction: Annotated[str, msgspec.Meta(min_length=1)]
    enabled: bool = True


class TaskPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be done to one task's calls."""

    match: Match | None = None
    cache: CachePolicy = CachePolicy()
    cap: CapPolicy | None = None
    route: RoutePolicy | None = None
    trim: TrimPolicy | None = None
    brevity: BrevityPolicy | None = None
    gate: GatePolicy | None = None

    def at_once(self) -> TaskPolicy:
        """The same without a gate and the edits that it tests: what acts without waiting for evidence."""
        tested = dict.fromkeys(self.gate.edits if self.gate is not None else ())
        return msgspec.structs.replace(self, gate=None, **tested)


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole policy.

    Attributes:
        schema: the version of this format.
        mode: ``observe`` sends the client's bytes and says what it would do; ``apply`` does it.
        resilience: what the gateway does when a provider fails.
        keys: virtual keys by name; with any, every caller of the gateway needs one.
        budgets: limits on spending by name.
        tiers: ranks of models by name, for routes and gates.
        prompts: named texts that route variants refer to; the loader adds the files that variants name.
        tasks: each is ``[defaults]`` with the task's own keys on top.
        defaults: for every task, and for calls of no known task.
    """

    schema: Literal[1] = 1
    mode: Mode = "observe"
    upstream: dict[str, Upstream] = {}
    levers: Levers = Levers()
    holdback: Holdback = Holdback()
    audit: Audit = Audit()
    resilience: Resilience = Resilience()
    keys: dict[str, VirtualKey] = {}
    budgets: dict[str, Budget] = {}
    tiers: dict[str, Tier] = {}
    prompts: dict[str, str] = {}
    defaults: TaskPolicy = TaskPolicy()
    tasks: dict[str, TaskPolicy] = {}

    def models(self, name: str, provider: str) -> tuple[str, ...]:
        """The models of a provider that a name stands for: those of the tier of that name, else the model itself."""
        tier = self.tiers.get(name)
        return (name,) if tier is None else tier.of(provider)

    def task(self, name: str | None) -> TaskPolicy:
        """The policy of a task; the defaults for a task that the policy does not name."""
        if name is None:
            return self.defaults
        return self.tasks.get(name, self.defaults)
