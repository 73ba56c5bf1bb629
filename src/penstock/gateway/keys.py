"""Virtual keys: who a caller is, and what it may ask for. Keys are kept as digests of the whole key."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest

import msgspec

from penstock.errors import UsageError
from penstock.gateway.headers import Asked
from penstock.gateway.problems import Problem
from penstock.gateway.secrets import read_secret
from penstock.policy.serving import VirtualKey

HEADER = "x-penstock-key"
"""Where a caller puts its key for us when ``authorization`` carries the provider's."""

_HEX_DIGITS = 64
_SUBSCRIPTION = (b"sk-ant-oat", b"eyJ")


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key it is.

    Attributes:
        name: in the policy.
        team: or None.
        tasks: that it may label; empty for all.
        models: that it may ask for; empty for all.
        paths: beginnings of further paths that it may use, though nothing is planned or metered there.
        own_header: whether the key came in our header, so that ``authorization`` is the provider's.
    """

    name: str
    team: str | None = None
    tasks: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    own_header: bool = False

    @property
    def limited(self) -> bool:
        """Whether it is for some tasks or models only."""
        return bool(self.tasks or self.models)

    def may_use(self, method: str, path: bytes) -> bool:
        """Whether it may use a path on which nothing is planned or metered, so that its limits cannot be kept."""
        if not self.limited:
            return True
        plain = path.decode("latin-1")
        if ".." in plain or "%" in plain:
            return False  # a provider may read it as another path
        allowed = self.paths if method != "GET" else ("/v1/models", *self.paths)
        return any(plain == one or plain.startswith(one.rstrip("/") + "/") for one in allowed)


class KeyRing:
    """All virtual keys.

    Args:
        keys: of the policy, by name.
        environment: for references.

    Raises:
        UsageError: a reference names nothing, or a digest is none.
    """

    def __init__(self, keys: Mapping[str, VirtualKey], environment: Mapping[str, str]) -> None:
        self._holders = [(_digest(name, key.key, environment), _holder(name, key)) for name, key in keys.items()]

    def __bool__(self) -> bool:
        """Whether there is any key, so that every caller needs one."""
        return bool(self._holders)

    def holder(self, asked: Asked) -> Holder | None:
        """Who a caller is, or None for a key that nobody has. Takes as long for a near miss as for a far one."""
        own = asked.ours.get(HEADER)
        key = own.encode() if own is not None else asked.key
        if key is None:
            return None
        digest = sha256(key).digest()
        found: Holder | None = None
        for known, holder in self._holders:
            if compare_digest(known, digest):
                found = holder
        if found is not None and own is not None:
            return msgspec.structs.replace(found, own_header=True)
        return found


def forbidden(holder: Holder, task: str | None, model: str) -> Problem | None:
    """Why a holder may not make a call, or None."""
    if holder.tasks and task not in holder.tasks:
        return Problem(
            status=403,
            message="this key may not be used for that task",
            hint="label the call with x-penstock-task, one of the policy's keys.NAME.tasks",
            code="task_not_allowed",
            retry=False,
        )
    if holder.models and not any(_is_model(model, allowed) for allowed in holder.models):
        return Problem(
            status=403,
            message="this key may not be used for that model",
            hint="the policy's keys.NAME.models lists the models of a key",
            code="model_not_allowed",
            retry=False,
        )
    return None


def no_key() -> Problem:
    """A caller without a key that we know."""
    return Problem(
        status=401,
        message="a key of this gateway is needed",
        hint="give one of the policy's keys as the SDK's API key, or in x-penstock-key",
        code="invalid_api_key",
        retry=False,
    )


def is_subscription(asked: Asked) -> bool:
    """Whether the caller speaks with a subscription's or an OAuth token instead of an API key."""
    return asked.bearer and asked.key is not None and asked.key.startswith(_SUBSCRIPTION)


def _is_model(model: str, allowed: str) -> bool:
    """The model itself or a dated snapshot of it."""
    return model == allowed or (
        model.startswith(allowed + "-") and model[len(allowed) + 1 :].replace("-", "").isdigit()
    )


def _holder(name: str, key: VirtualKey) -> Holder:
    return Holder(name=name, team=key.team, tasks=key.tasks, models=key.models, paths=key.paths)


def _digest(name: str, reference: str, environment: Mapping[str, str]) -> bytes:
    kind, _, value = reference.partition(":")
    if kind == "sha256":
        try:
            digest = bytes.fromhex(value)
        except ValueError:
            digest = b""
        if len(value) != _HEX_DIGITS or not digest:
            raise UsageError(f"keys.{name}.key: not 64 hexadecimal digits", hint="printf %s KEY | sha256sum")
        return digest
    return sha256(read_secret(reference, environment, what=f"keys.{name}.key")).digest()
