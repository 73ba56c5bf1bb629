"""Conversations that carry a long history in every call: would a rolling window over it do?

The recorded conversations are cut where the trim lever would cut them. History that was read from a cache counts at the
read price, and so does what came again within five minutes: caching it is another finding's saving. Each cut bears what
it costs to write again what stands behind it. Whether answers need the older turns is a question for the gate.

Dollars: the tokens left out at the read price, or at the plain one where no cache would have had them, less rewriting.

Fix: ``trim = { window_tokens = N }`` behind the gate (``gate = { edits = ["trim"] }``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median_low

import msgspec

from penstock.audit.detectors.common import few, whole
from penstock.audit.finding import Finding, Measure, Pool
from penstock.audit.gather import AuditInput, Group
from penstock.audit.gating import gate_of
from penstock.audit.row import CallRow
from penstock.audit.tree import Node
from penstock.audit.whatif import prices_at, usable
from penstock.levers.trim.turns import Message
from penstock.levers.trim.window import Cut, Marks, Worth, find_cut
from penstock.money import Picodollars
from penstock.policy.schema import TrimPolicy
from penstock.unknown import Unknown

KINDS = {"long_history": "long conversation history"}

HISTORY = 16_000
"""Tokens of history, beside instructions and tools, from which on a conversation counts as long."""

_NOTABLE = 0.05  # of a group's calls
_ROUND = 1_000
_KEPT_S = 300.0  # how long a cache keeps a prefix at least
_INSTRUCTING = frozenset({"system", "developer"})


class Turns(msgspec.Struct, frozen=True):
    """A recorded prompt as far as cutting is concerned.

    Attributes:
        row: the call.
        chain: its nodes.
        messages: its messages.
        tokens: of each message.
        fixed: tokens before the messages.
        cached: tokens from the first on that were read from a cache, or could have been.
    """

    row: CallRow
    chain: list[int]
    messages: list[Message]
    tokens: list[int]
    fixed: int
    cached: int


def find(data: AuditInput) -> list[Finding]:
    """One question for each task and model whose conversations often carry more history than is looked at here."""
    found = []
    for group in data.groups.values():
        rows = usable(group.rows)
        seen: dict[int, float] = {}
        prompts = [_turns(data, row, seen) for row in rows]
        long = [one for one in prompts if sum(one.tokens) > HISTORY and sum(each.speaks for each in one.messages) > 1]
        if not long or len(long) < _NOTABLE * len(rows):
            continue
        window = math.ceil((median_low([one.fixed for one in long]) + HISTORY) / _ROUND) * _ROUND
        saving, cut = _cut_saving(data, long, window)
        if isinstance(saving, Unknown) or saving > 0:
            found.append(_question(data, group, rows, (window, saving, cut)))
    return found


def _turns(data: AuditInput, row: CallRow, seen: dict[int, float]) -> Turns:
    """A row's prompt; ``seen`` has when each prefix came last, and is brought up to date."""
    chain = data.tree.chain(row.leaf)
    parts: dict[int, list[Node]] = {}
    tokens: dict[int, int] = {}
    fixed = again = 0
    at, warm = row.ts or 0.0, True
    for place, count in zip(chain, data.tokens(row), strict=True):
        warm = warm and at - seen.get(place, -_KEPT_S) < _KEPT_S
        again += warm * count
        seen[place] = at
        node = data.tree.nodes[place]
        if node.message < 0:
            fixed += count
        else:
            parts.setdefault(node.message, []).append(node)
            tokens[node.message] = tokens.get(node.message, 0) + count
    read = row.usage.cache_read if row.usage is not None else 0
    messages = [_message(nodes) for nodes in parts.values()]
    return Turns(row, chain, messages, list(tokens.values()), fixed, max(read, again))


def _message(nodes: Sequence[Node]) -> Message:
    role = nodes[0].role
    results = any(node.kind == "tool_result" for node in nodes)
    return Message(speaks=role == "user" and not results, stays=role in _INSTRUCTING)


def _cut_saving(data: AuditInput, prompts: Sequence[Turns], window: int) -> tuple[Picodollars | Unknown, list[CallRow]]:
    """What the window would have saved over some prompts, and the calls that it would have cut."""
    policy = TrimPolicy()
    marks = Marks(policy.high * window, policy.low * window)
    paid: set[int] = set()
    rows: list[CallRow] = []
    total = 0
    for one in prompts:
        rates = _rates(one.row)
        if isinstance(rates, Unknown):
            return rates, []
        plain, read, write = rates
        worth = Worth(write / plain, read / plain, policy.horizon_turns, always=not one.cached)
        cut = find_cut(one.messages, one.tokens, one.fixed, marks, worth)
        if cut is None:
            continue
        rows.append(one.row)
        total += _left_out(one, cut, plain, read)
        made_at = _node_before(data, one, cut)
        if made_at not in paid:
            paid.add(made_at)
            total -= (write - read) * min(cut.rewritten, _read_behind(one, cut))
    return Picodollars(total), rows


def _rates(row: CallRow) -> tuple[int, int, int] | Unknown:
    """Prices of a plain, a read and a written token; where a model has no price for writing, that of a plain one."""
    prices = prices_at(row)
    if isinstance(prices, Unknown):
        return prices
    if isinstance(prices.input, Unknown):
        return prices.input
    read = prices.input if isinstance(prices.cache_read, Unknown) else prices.cache_read
    writes = [rate for rate in (prices.cache_write_5m, prices.cache_write_30m) if not isinstance(rate, Unknown)]
    return prices.input, read, min(writes, default=prices.input)


def _left_out(one: Turns, cut: Cut, plain: int, read: int) -> int:
    """What the tokens that are left out cost: what stands first in a prompt is read first."""
    before = one.fixed + sum(one.tokens[: cut.after + 1])
    from_cache = max(0, min(cut.removed, one.cached - before))
    return from_cache * read + (cut.removed - from_cache) * plain


def _read_behind(one: Turns, cut: Cut) -> int:
    """Tokens behind the cut that a cache has, and that would be written again."""
    return max(0, one.cached - one.fixed - sum(one.tokens[: cut.until]))


def _node_before(data: AuditInput, one: Turns, cut: Cut) -> int:
    """The prefix that a cut ends, which tells the calls that share the cut."""
    return max(node for node in one.chain if data.tree.nodes[node].message < cut.until)


def _question(
    data: AuditInput, group: Group, rows: list[CallRow], found: tuple[int, Picodollars | Unknown, list[CallRow]]
) -> Finding:
    window, saving, cut = found
    dollars = saving if isinstance(saving, Unknown) else Picodollars(whole(saving, rows, group))
    most = max((row.usage.input_total for row in cut if row.usage is not None), default=0)
    return Finding(
        kind="long_history",
        task=group.task,
        model=group.model,
        title=f"{len(cut):,} calls carry a long conversation: would a window of {window:,} tokens do?",
        detail=(
            f"Prompts grow to {most:,} tokens. A rolling window leaves out the oldest turns, seldom and many at once, "
            "so that the cached prefix is broken only where that pays; instructions and the first message stay."
        ),
        measure=Measure.QUESTION,
        pool=Pool.MODEL,
        dollars=dollars,
        dollars_month=data.period.month(dollars),
        basis=(
            "estimated: the turns left out, at the read price where a cache had them or could have had, less writing "
            f"again; {few(rows, group)}"
        ),
        calls=len(cut),
        evidence={"window_tokens": window, "most_prompt_tokens": most},
        gated={
            "trim": {"enabled": True, "window_tokens": window},
            "gate": gate_of(data, group, dollars, edits=["trim"]),
        },
    )
