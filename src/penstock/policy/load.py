"""A policy from its text, the environment and flags; precedence flag > environment > file > default.

Nothing here reads a file or the environment: the text, the mapping and a reader of named files are arguments.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from penstock.errors import PolicyError
from penstock.models.names import resolve
from penstock.policy.decode import BadKey, Key, decode, dotted
from penstock.policy.environment import overrides
from penstock.policy.kinds import KINDS, preset_tokens
from penstock.policy.locate import line_of
from penstock.policy.schema import GatePolicy, Policy, TaskPolicy

ReadText = Callable[[str], str]
"""Reads a text file that the policy names, relative to the policy; OSError if it cannot."""

_TASK_SECTIONS = ("cache", "cap", "route", "trim", "brevity", "gate")
_FUNCTION = re.compile(r"python:[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)
_GRADER = re.compile(r"python:[A-Za-z_][\w.]*:[A-Za-z_]\w*|command:\s*\S.*|https?://[^\s/]+\S*", re.ASCII)


def load_policy(
    text: str,
    source: str = "penstock.toml",
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    read: ReadText | None = None,
) -> Policy:
    """The policy that a TOML text describes.

    Args:
        text: the file's text; empty for a policy of defaults.
        source: its name, for messages.
        environ: variables; those that start with ``PENSTOCK_`` override the file, ``__`` nests.
        flags: dotted keys to values, from the command line; they override everything.
        read: reads the prompt files that route variants name; None leaves names of files unresolved, which is an
            error when a variant names one.

    Raises:
        PolicyError: naming source, line and key, with a suggestion.
    """
    tables = _parse(text, source)
    origins: dict[Key, str] = {}
    try:
        for key, value, origin in overrides(environ or {}, tables):
            _put(tables, key, value, source)
            origins[key] = origin
        for name, value in (flags or {}).items():
            key = tuple(name.split("."))
            _put(tables, key, value, source)
            origins[key] = "the command line"
        policy = _decode(tables)
        return _with_prompts(policy, read)
    except BadKey as error:
        raise _placed(error, text, source, origins) from None


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        line = place.removeprefix("line ").partition(",")[0]
        where = f"{source}, line {line}" if line.isdigit() else f"{source}, last line"
        raise PolicyError(f"{where}: not TOML: {reason}", hint="strings stand in quotes, tables in brackets") from None


def _decode(tables: dict[str, Any]) -> Policy:
    """Checks the text's own keys first, so that a fault in ``[defaults]`` is named there and not in a task."""
    decode(tables, Policy)
    defaults = tables.get("defaults", {})
    tasks = {name: _merged(defaults, task) for name, task in tables.get("tasks", {}).items()}
    policy: Policy = decode({**tables, "tasks": tasks}, Policy)
    for name, task in policy.tasks.items():
        _check_task(task, ("tasks", name))
    _check_task(policy.defaults, ("defaults",))
    _check_tiers(policy)
    return policy


def _merged(defaults: Mapping[str, Any], task: Mapping[str, Any]) -> dict[str, Any]:
    """A task's tables over the defaults', key by key inside each section."""
    merged = dict(task)
    for section in _TASK_SECTIONS:
        if section in defaults:
            merged[section] = {**defaults[section], **task.get(section, {})}
    return merged


def _check_task(task: TaskPolicy, key: Key) -> None:
    """Rules between keys that types cannot say."""
    if task.cap is not None and task.cap.output is not None and preset_tokens(task.cap.output) is None:
        place = (*key, "cap", "output")
        raise BadKey(place, f"`{dotted(place)}`: unknown kind of answer", hint=f"known: {', '.join(KINDS)}")
    if task.gate is not None:
        _check_gate(task, task.gate, key)
    if task.route is not None and "evidence" in task.route.verify and not task.route.evidence_fields:
        place = (*key, "route", "evidence_fields")
        raise BadKey(place, f"`{dotted(place)}` is empty, so that `evidence` has nothing to check")


def _check_gate(task: TaskPolicy, gate: GatePolicy, key: Key) -> None:
    place = (*key, "gate")
    route = task.route
    if gate.enabled and gate.candidate is not None and route is not None and route.enabled and route.model is not None:
        raise BadKey(
            (*key, "route", "model"),
            f"`{dotted((*key, 'route', 'model'))}` sends every call to {route.model}, and the gate's candidate "
            f"{gate.candidate} would never be asked",
            hint="take the model out of the route section: the gate sends calls to its candidate as it earns them",
        )
    if gate.candidate is None and not gate.edits:
        raise BadKey(place, f"`{dotted(place)}` tests nothing", hint='candidate = "MODEL", edits = ["trim"], or both')
    for name in gate.edits:
        if getattr(task, name) is None:
            place = (*key, "gate", "edits")
            raise BadKey(place, f"`{dotted(place)}` names {name}, and the task has no {name} section")
    if gate.embedding is not None and not _FUNCTION.fullmatch(gate.embedding):
        place = (*key, "gate", "embedding")
        raise BadKey(place, f"`{dotted(place)}` names no function", hint="python:MODULE:FUNCTION")
    if gate.grader is not None and not _GRADER.fullmatch(gate.grader):
        place = (*key, "gate", "grader")
        hint = "python:MODULE:FUNCTION, command:PROGRAM ARGUMENTS, or an http(s):// URL"
        raise BadKey(place, f"`{dotted(place)}` names no grader", hint=hint)


def _check_tiers(policy: Policy) -> None:
    for name, tier in policy.tiers.items():
        place = ("tiers", name)
        if not (tier.anthropic or tier.openai):
            raise BadKey(place, f"`{dotted(place)}` has no model", hint='anthropic = ["MODEL"], openai = ["MODEL"]')
        if resolve(name) is not None:
            raise BadKey(place, f"`{dotted(place)}` has the name of a model", hint="name tiers by rank: small, large")


def _with_prompts(policy: Policy, read: ReadText | None) -> Policy:
    """The policy with the text of every prompt that a variant names."""
    prompts = dict(policy.prompts)
    named = [(("defaults",), policy.defaults)] + [(("tasks", name), task) for name, task in policy.tasks.items()]
    for key, task in named:
        for model, name in (task.route.variants if task.route is not None else {}).items():
            if name not in prompts:
                prompts[name] = _read(name, (*key, "route", "variants", model), read)
    return msgspec.structs.replace(policy, prompts=prompts) if prompts != policy.prompts else policy


def _read(name: str, key: Key, read: ReadText | None) -> str:
    if read is None:
        raise BadKey(key, f"`{dotted(key)}`: no prompt named `{name}` in [prompts]")
    try:
        return read(name)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        hint = "give a file beside the policy, or a name of [prompts]"
        raise BadKey(key, f"`{dotted(key)}`: cannot read `{name}`: {reason}", hint=hint) from None


def _put(tables: dict[str, Any], key: Key, value: Any, source: str) -> None:
    table = tables
    for part in key[:-1]:
        below = table.setdefault(part, {})
        if not isinstance(below, dict):
            raise PolicyError(f"{source}: `{dotted(key)}` cannot be set: `{part}` is not a table")
        table = below
    table[key[-1]] = value


def _placed(error: BadKey, text: str, source: str, origins: Mapping[Key, str]) -> PolicyError:
    """The error with its line, or the variable or flag that the value came from."""
    for depth in range(len(error.key), 0, -1):
        origin = origins.get(error.key[:depth])
        if origin is not None:
            return PolicyError(f"{origin}: {error}", hint=error.hint)
    if not error.key:
        return PolicyError(str(error), hint=error.hint)
    line = line_of(text, error.key)
    where = source if line is None else f"{source}, line {line}"
    return PolicyError(f"{where}: {error}", hint=error.hint)
