"""The simulator's own ground truth of token counts: a deterministic rule, not a tokenizer and not Penstock's estimate.

The rule, on text: a run of ASCII letters costs one token per seven letters begun; digits one per three begun; a run of
punctuation one per two characters begun; one blank nothing, a longer run of blanks one; a run of line breaks one; other
characters one per three UTF-8 bytes of their run begun; a control character one. The sum is multiplied by the factor of
the model's tokenizer family (`Profile.tokenizer_factor`) and rounded up. Penstock must live with a provider that counts
differently from its estimate, so the two share no code.
"""

from __future__ import annotations

import re

_PIECES = re.compile(
    r"([A-Za-z]+)|([0-9]+)|([!-/:-@\[-`{-~]+)|([\n\r]+)|([ \t]+)|([^\x00-\x7f]+)|([\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+)"
)

_LETTERS_PER_TOKEN = 7
_DIGITS_PER_TOKEN = 3
_PUNCTUATION_PER_TOKEN = 2
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
    total = 0
    for word, number, punctuation, lines, blanks, other, control in _PIECES.findall(text):
        if word:
            total += -(-len(word) // _LETTERS_PER_TOKEN)
        elif blanks:
            total += len(blanks) > 1
        elif punctuation:
            total += -(-len(punctuation) // _PUNCTUATION_PER_TOKEN)
        elif number:
            total += -(-len(number) // _DIGITS_PER_TOKEN)
        elif lines:
            total += 1
        elif other:
            total += -(-_utf8_length(other) // _BYTES_PER_TOKEN)
        else:
            total += len(control)
    return total


def truncate(text: str, factor: float, limit: int) -> str:
    """The longest beginning of a text that costs at most ``limit`` tokens for a tokenizer family's factor."""
    budget = max(0, limit) * _THOUSAND // round(factor * _THOUSAND)
    end = 0
    for piece in _PIECES.finditer(text):
        cost = base_count(piece.group())
        if cost > budget:
            return text[: end + _affordable(piece.group(), budget)]
        budget -= cost
        end = piece.end()
    return text


def _affordable(piece: str, budget: int) -> int:
    """How many characters of a long piece the budget still pays for."""
    head = piece[0]
    if head > "\x7f":
        return len(piece.encode("utf-8", "surrogatepass")[: budget * _BYTES_PER_TOKEN].decode("utf-8", "ignore"))
    if head.isalpha():
        return budget * _LETTERS_PER_TOKEN
    if head.isdigit():
        return budget * _DIGITS_PER_TOKEN
    return budget * _PUNCTUATION_PER_TOKEN if head > " " and head != "\x7f" else 0


def _utf8_length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
