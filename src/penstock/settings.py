"""The policy in force: the file, the files that it names, and the environment. The one place that reads them.

The file is the one given, else ``PENSTOCK_POLICY``, else ``penstock.toml`` in the working directory, else none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.errors import PolicyError
from penstock.policy.load import load_policy
from penstock.policy.schema import Policy

FILE_NAME = "penstock.toml"


def read_policy(
    path: str | Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Policy:
    """The resolved policy; precedence flag > environment > file > default.

    Args:
        path: the policy file; None to look for one.
        environ: the environment; None for the process's own.
        flags: dotted policy keys that the command line set.

    Raises:
        PolicyError: when a file that was asked for is missing or unreadable, or the policy is wrong.
    """
    environ = os.environ if environ is None else environ
    found = policy_path(path, environ)
    if found is None:
        return load_policy("", "no policy file", environ=environ, flags=flags)
    try:
        text = found.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(f"{found}: cannot be read: {error.strerror}", hint="give --policy FILE") from None
    except UnicodeDecodeError:
        raise PolicyError(f"{found}: not UTF-8 text") from None
    folder = found.parent

    def read(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    return load_policy(text, str(found), environ=environ, flags=flags, read=read)


def policy_path(path: str | Path | None, environ: Mapping[str, str]) -> Path | None:
    """Where the policy is: as given, as ``PENSTOCK_POLICY`` says, or in the working directory; None for nowhere."""
    asked = path if path is not None else environ.get("PENSTOCK_POLICY")
    if asked:
        return Path(asked)
    beside = Path(FILE_NAME)
    return beside if beside.exists() else None
