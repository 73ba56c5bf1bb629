"""Provider keys by reference: ``env:NAME`` or ``file:PATH``. The policy holds the reference, never the key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from penstock.errors import UsageError


def read_secret(reference: str, environment: Mapping[str, str], *, what: str) -> bytes:
    """The secret that a reference names.

    Args:
        reference: ``env:NAME`` or ``file:PATH``.
        environment: the process's.
        what: the setting, for messages.

    Raises:
        UsageError: the reference is none, or names nothing. The message never holds the value.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        value = environment.get(name, "").strip()
        if not value:
            raise UsageError(f"{what}: the variable {name} is not set", hint=f"export {name}=... before you start")
    elif kind == "file" and name:
        try:
            value = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{what}: the key file cannot be read ({type(error).__name__})") from None
        if not value:
            raise UsageError(f"{what}: the key file is empty")
    else:
        raise UsageError(f"{what} is a reference, not a key", hint="write env:NAME or file:PATH")
    if not value.isascii() or not value.isprintable():
        raise UsageError(f"{what}: the key holds characters that no header can carry")
    return value.encode("ascii")
