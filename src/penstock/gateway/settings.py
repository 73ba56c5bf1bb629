"""The gateway's own limits; what may be done to requests is the policy's."""

from __future__ import annotations

import msgspec

from penstock.ledger.evidencekeeper import EVERY_S


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one gateway process.

    Attributes:
        max_body: bytes of a call's body; providers refuse more than 32 MB (provider-semantics 1.1).
        max_head: bytes of a request's head.
        head_s: seconds in which a head must be complete.
        body_s: seconds allowed between two parts of a body.
        unread_s: seconds that a caller may leave a full socket unread.
        max_answer: bytes of an answer that is held in memory.
        drain_s: seconds that running calls may take after SIGTERM.
        keep_alive_s: seconds that an idle caller's connection is kept.
        learnt_s: seconds between two exchanges of what was learnt with the other processes on the ledger.
        batch_most: shadows that make a batch; batch_wait_s: seconds that the first of them waits for others.
        batch_poll_s: seconds between two looks at a batch; batch_deadline_s: after which it is given up for lost.
    """

    max_body: int = 32 * 1000 * 1000
    max_head: int = 64 * 1024
    head_s: float = 15.0
    body_s: float = 60.0
    unread_s: float = 300.0
    max_answer: int = 256 * 1024 * 1024
    drain_s: float = 600.0
    keep_alive_s: int = 75
    learnt_s: float = EVERY_S
    batch_most: int = 200
    batch_wait_s: float = 300.0
    batch_poll_s: float = 60.0
    batch_deadline_s: float = 26 * 3600.0
