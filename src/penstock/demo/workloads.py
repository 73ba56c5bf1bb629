"""Three programs as a team would first write them: everything to a good model, nothing marked, nothing capped.

Each workload is a list of timed calls on the official SDKs; ``standing`` draws the texts that stay the same from day to
day, ``rng`` those that are new. What makes them expensive is what audits find in practice:
a clock at the top of the system prompt, a contract sent again for every question, twenty-five retrieved passages where
eight would do, a flagship model for a ten-way label, and no limit on the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, NamedTuple, Protocol

from penstock.demo import prose

if TYPE_CHECKING:
    from anthropic import Anthropic
    from openai import OpenAI

LABELS = (
    "billing",
    "delivery",
    "contract",
    "access",
    "sales",
    "complaint",
    "address",
    "unsubscribe",
    "press",
    "safety",
)
FIELDS = (
    "governing law", "term", "renewal", "liability cap", "indemnification", "notice period", "assignment",
    "audit right", "insurance", "confidentiality",
)  # fmt: skip
CV_MODEL = "gpt-6.1-sol"
MAIL_MODEL = "claude-opus-5-5"
SMALL_MODEL = "claude-haiku-5-5"
CONTRACT_MODEL = "claude-sonnet-5-5"


VACANCIES, CVS, MAILS, CONTRACTS, QUESTIONS = 5, 56, 420, 14, 130
"""The size of a day at scale 1: CVs are per vacancy, and each contract is asked for ten fields."""


class Clients(NamedTuple):
    """The SDK clients that a program was given; whether they are wired to Penstock is not its business."""

    openai: OpenAI
    anthropic: Anthropic


class TimedCall(NamedTuple):
    """One call of one program.

    Attributes:
        at: start, seconds since the epoch.
        task: the label that the program gives the call.
        session: the unit that is held back or treated as a whole.
        send: makes the call with the given SDK clients.
    """

    at: float
    task: str
    session: str
    send: Callable[[Clients], object]


def cv_matching(standing: Random, rng: Random, start: float, seconds: float, *, scale: float = 1.0) -> list[TimedCall]:
    """Each vacancy is matched against a batch of CVs; the vacancy stands before the CV in the user message."""
    rules = prose.handbook(standing, "You match CVs with vacancies. Answer in JSON with score and reason.", 30)
    calls = []
    for number in range(VACANCIES):
        text = prose.vacancy(standing, f"Position {number + 1}")
        began = start + rng.uniform(0, seconds * 0.6)
        for index in range(_scaled(CVS, scale)):
            at = began + index * rng.uniform(8, 20)
            user = f"{text}\n\nCV:\n{prose.cv(rng)}"

            def send(clients: Clients, user: str = user) -> object:
                return clients.openai.chat.completions.create(
                    model=CV_MODEL,
                    messages=[{"role": "system", "content": rules}, {"role": "user", "content": user}],
                )

            calls.append(TimedCall(at, "cv-matching", f"cv-{number}-{index}", send))
    return calls


def email_triage(standing: Random, rng: Random, start: float, seconds: float, *, scale: float = 1.0) -> list[TimedCall]:
    """Every mail gets one of ten labels from a flagship model, under a system prompt that begins with the time."""
    rules = prose.handbook(standing, f"Label the mail with one of: {', '.join(LABELS)}. Answer in JSON.", 45)
    calls = []
    for index, offset in enumerate(sorted(rng.uniform(0, seconds) for _ in range(_scaled(MAILS, scale)))):
        at = start + offset
        text = prose.mail(rng)

        def send(clients: Clients, text: str = text, at: float = at) -> object:
            now = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
            return clients.anthropic.messages.create(
                model=MAIL_MODEL,
                max_tokens=4096,
                system=f"Current time: {now}\n{rules}",
                messages=[{"role": "user", "content": text}],
            )

        calls.append(TimedCall(at, "email-triage", f"mail-{index}", send))
    return calls


def contract_extraction(
    standing: Random, rng: Random, start: float, seconds: float, *, scale: float = 1.0
) -> list[TimedCall]:
    """Ten fields of each contract are asked one by one, the whole contract in front of each question."""
    rules = prose.handbook(standing, "Extract the field. Answer in JSON with value and quote.", 25)
    calls = []
    for number in range(_scaled(CONTRACTS, scale)):
        document = "\n\n".join(prose.contract(rng, 50))
        began = start + rng.uniform(0, seconds * 0.9)
        for index, field in enumerate(FIELDS):

            def send(clients: Clients, document: str = document, field: str = field) -> object:
                return clients.anthropic.messages.create(
                    model=CONTRACT_MODEL,
                    max_tokens=8192,
                    system=rules,
                    messages=[
                        {
                            "role": "user",
                            "content": [
                                {"type": "text", "text": document},
                                {"type": "text", "text": f"Field: {field}"},
                            ],
                        }
                    ],
                )

            at = began + index * rng.uniform(6, 25)
            calls.append(TimedCall(at, "contract-extraction", f"contract-{number}", send))
    return calls


def clause_lookup(
    standing: Random, rng: Random, start: float, seconds: float, *, scale: float = 1.0
) -> list[TimedCall]:
    """Questions over a clause library, each with the twenty-five best passages that the search returned."""
    library = prose.contract(standing, 400)
    rules = prose.handbook(standing, "Answer from the passages only. Answer in JSON with answer and passage.", 20)
    calls = []
    for index in range(_scaled(QUESTIONS, scale)):
        passages = "\n".join(
            f'<document index="{rank + 1}">\n{library[place]} {prose.clause(rng, rank + 1)}\n</document>'
            for rank, place in enumerate(rng.sample(range(len(library)), 25))
        )
        question = f"<documents>\n{passages}\n</documents>\n\nWhat do we owe when {rng.choice(FIELDS)} is disputed?"
        at = start + rng.uniform(0, seconds)

        def send(clients: Clients, question: str = question) -> object:
            return clients.anthropic.messages.create(
                model=CONTRACT_MODEL,
                max_tokens=8192,
                system=rules,
                messages=[{"role": "user", "content": question}],
            )

        calls.append(TimedCall(at, "clause-lookup", f"lookup-{index}", send))
    return calls


class Program(Protocol):
    """One of the programs: the calls that it makes in a stretch of time."""

    def __call__(
        self, standing: Random, rng: Random, start: float, seconds: float, *, scale: float = 1.0
    ) -> list[TimedCall]:
        """The calls, in no particular order."""
        ...


PROGRAMS: tuple[Program, ...] = (cv_matching, email_triage, contract_extraction, clause_lookup)


def traffic(seed: int, start: float, seconds: float, scale: float = 1.0) -> list[TimedCall]:
    """All programs together in time order.

    The standing texts (instructions, vacancies, the clause library) are the same for every ``seed``; CVs, mails,
    contracts and questions are new. ``scale`` is the share of a day's calls to make.
    """
    calls: list[TimedCall] = []
    for number, program in enumerate(PROGRAMS):
        calls += program(Random(number), Random(f"{seed}/{number}"), start, seconds, scale=scale)
    return sorted(calls, key=lambda call: call.at)


def _scaled(count: int, scale: float) -> int:
    return max(1, round(count * scale))
