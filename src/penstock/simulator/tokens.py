"""The simulator's own ground truth of token counts: a deterministic rule, not a tokenizer and not Penstock's estimate.

The rule, on text: a run of ASCII letters costs one token per seven letters begun; digits one per three begun; a run of
punctuation one per two characters begun; one blank nothing, a longer run of blanks one; a run of line breaks one; other
characters one per three UTF-8 bytes of their run begun; a control character one. The sum is multiplied by the factor of
the model's tokenizer family (`Profile.tokenizer_factor`) and rounded up. Penstock must live with a provider that counts
differently from its estimate, so the two share no code.
"""

from __future__ import annotations

import re

_ASCII = r"[A-Za-z]{1,7}|[0-9]{1,3}|[!-/:-@\[-`{-~]{1,2}|[\n\r]+|[ \t]{2,}|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_TOKENS = re.compile(_ASCII)  # each match is one token; a single blank matches nothing
_TOKENS_AND_RUNS = re.compile(rf"{_ASCII}|[^\x00-\x7f]+")
_RUNS = re.compile(r"[^\x00-\x7f]+")

_BYTES_PER_TOKEN = 3
_THOUSAND = 1000


def count_text(text: str, factor: float) -> int:
    """Tokens of a text for a tokenizer family's factor; 0 for the empty text."""
    return scaled(base_count(text), factor)


def scaled(base: int, factor: float) -> int:
    """A count by the rule as tokens of a family, rounded up; the factor counts to thousandths."""
    return -(-base * round(factor * _THOUSAND) // _THOUSAND)


def base_count(text: str) -> int:
    """The rule's count, before the family's factor."""
    count = len(_TOKENS.findall(text))
    return count if text.isascii() else count + sum(_cost_of_run(run) for run in _RUNS.findall(text))


def truncate(text: str, factor: float, limit: int) -> str:
    """The longest beginning of a text that costs at most ``limit`` tokens for a tokenizer family's factor."""
    budget = max(0, limit) * _THOUSAND // round(factor * _THOUSAND)
    end = 0
    for piece in _TOKENS_AND_RUNS.finditer(text):
        found = piece.group()
        cost = 1 if found.isascii() else _cost_of_run(found)
        if cost > budget:
            return text[: end + _affordable(found, budget)]
        budget -= cost
        end = piece.end()
    return text


def _cost_of_run(run: str) -> int:
    return -(-len(run.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)


def _affordable(run: str, budget: int) -> int:
    """How many characters of a run the budget still pays for; none of an ASCII token."""
    if run.isascii():
        return 0
    return len(run.encode("utf-8", "surrogatepass")[: budget * _BYTES_PER_TOKEN].decode("utf-8", "ignore"))
