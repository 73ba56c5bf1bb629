"""From a model string as a request or a log has it to our canonical id.

A string is taken apart from the outside: provider path (``anthropic/``, ``openrouter/openai/``, an ARN), Bedrock's
region and vendor (``us.anthropic.``), its version suffix (``-v1:0``), a context suffix (``[1m]``), ``-latest``, and
last the snapshot date (``-20260922``, ``@20260922``, ``-2026-09-22``). What is left is looked up exactly: an id that is
not listed stays unknown, however much it looks like one that is.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from penstock.models.entries import ENTRIES

_BEDROCK = re.compile(r"^(?:[a-z]{2,6}(?:-gov)?\.)?(?:anthropic|openai)\.")
_BEDROCK_VERSION = re.compile(r"-v\d+(?::\d+)?$")
_SUFFIX = re.compile(r"(?:\[1m\]|@default|@latest|-latest)$")
_DATE = re.compile(r"[-@](?:20\d{2})-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])$")
_CLAUDE_SWAPPED = re.compile(r"^claude-(\d)(?:-(\d))?-(opus|sonnet|haiku|fable|mythos)$")
_CLAUDE = re.compile(r"^claude-(opus|sonnet|haiku|fable|mythos)-(\d)(?:-(\d))?$")
_GPT_DASHED = re.compile(r"^gpt-(\d)-(\d)(?=-|$)")
_FIRST_CLAUDE_NAMED_BY_TIER = 4


class Name(msgspec.Struct, frozen=True):
    """What a model string stands for.

    Attributes:
        model: canonical id, a key of ``entries.ENTRIES``.
        bedrock: the string was Amazon Bedrock's.
        tuned: the string named a fine-tuned version, which has its own price.
    """

    model: str
    bedrock: bool = False
    tuned: bool = False


@lru_cache(maxsize=2048)
def resolve(model: str) -> Name | None:
    """The canonical name, or None when it is no model that we know."""
    text = model.strip().lower()
    tuned = text.startswith("ft:")
    text = text.removeprefix("ft:").partition(":")[0] if tuned else text.rpartition("/")[2]
    vendorless = _BEDROCK.sub("", text)
    bedrock = vendorless != text
    text = _SUFFIX.sub("", _BEDROCK_VERSION.sub("", vendorless))
    for candidate in (text, _SUFFIX.sub("", _DATE.sub("", text))):
        known = _ALIASES.get(_spelling(candidate))
        if known is not None:
            return Name(known, bedrock, tuned)
    return None


def _spelling(text: str) -> str:
    """One spelling of versions: ``claude-opus-5-5`` (``claude-3-5-haiku`` up to 3.7) and ``gpt-5.6-sol``."""
    if not text.startswith("claude-"):
        return _GPT_DASHED.sub(r"gpt-\1.\2", text)
    text = text.replace(".", "-")
    swapped = _CLAUDE_SWAPPED.match(text)
    if swapped:
        major, minor, tier = swapped.groups()
    else:
        named = _CLAUDE.match(text)
        if not named:
            return text
        tier, major, minor = named.groups()
    version = major if minor in (None, "0") else f"{major}-{minor}"
    if int(major) >= _FIRST_CLAUDE_NAMED_BY_TIER:
        return f"claude-{tier}-{version}"
    return f"claude-{version}-{tier}"


_ALIASES = {name: entry.id for entry in ENTRIES.values() for name in (entry.id, *entry.aliases)}
