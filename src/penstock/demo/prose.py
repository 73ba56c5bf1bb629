"""Seeded made-up text: job vacancies, CVs, mail and contracts, long enough to be billed like real ones.

Everything here is invented. The demo needs text whose length, repetition and variety are those of real work; what it
says does not matter, since the answers are simulated.
"""

from __future__ import annotations

from random import Random

_FIRST = ("Amara", "Bjorn", "Chen", "Dalia", "Emeka", "Farah", "Gustav", "Hana", "Ivan", "Jaya", "Kofi", "Lena")
_LAST = ("Okafor", "Lindqvist", "Wei", "Haddad", "Costa", "Novak", "Mensah", "Tanaka", "Kaur", "Berg", "Silva", "Roth")
_SKILLS = (
    "Python", "PostgreSQL", "Kubernetes", "stakeholder reporting", "cost accounting", "Spark", "incident response",
    "React", "vendor negotiation", "Terraform", "SAP migration", "data modelling", "clinical trials", "payroll",
    "ISO 27001 audits", "demand forecasting", "Go", "customer onboarding", "CAD drafting", "machine vision",
)  # fmt: skip
_VERBS = ("led", "rebuilt", "maintained", "introduced", "audited", "migrated", "negotiated", "documented", "scaled")
_OBJECTS = (
    "the billing pipeline", "a regional warehouse", "the on-call rota", "a supplier portal", "the month-end close",
    "three customer programmes", "the design system", "a fleet of 120 sensors", "the safety handbook",
)  # fmt: skip
_RESULTS = (
    "and cut the error rate by {n} percent", "for {n} users", "within {n} weeks", "across {n} sites",
    "saving {n} thousand a year", "with a team of {n}", "after {n} months of preparation",
)  # fmt: skip
_CLAUSES = (
    "The {p} shall {v} the {o} within {n} days of written notice, unless the parties agree otherwise in writing.",
    (
        "Neither party excludes liability for {o} arising from wilful misconduct; all other claims are limited to {n} "
        "percent of the fees paid in the preceding twelve months."
    ),
    (
        "Where the {p} fails to {v} the {o}, the other party may suspend performance after {n} days and claim its "
        "reasonable costs."
    ),
    "This section survives termination for {n} months and binds successors and permitted assigns of the {p}.",
    "The {p} warrants that the {o} conforms to Schedule {n} and that no encumbrance restricts its use.",
)
_PARTIES = ("Supplier", "Customer", "Licensor", "Distributor", "Contractor")
_DUTIES = ("deliver", "indemnify against loss of", "insure", "return or destroy", "maintain", "make available")
_THINGS = ("deliverables", "confidential information", "licensed materials", "equipment", "records", "personal data")
_TOPICS = (
    "an invoice that was charged twice", "a delivery that has not arrived", "a question on the contract renewal",
    "a login that stopped working", "a request for a quote", "a complaint on a technician", "a change of address",
    "an unsubscribe request", "a press enquiry", "a safety incident at the site",
)  # fmt: skip


def person(rng: Random) -> str:
    """A made-up name."""
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def _deed(rng: Random) -> str:
    result = rng.choice(_RESULTS).format(n=rng.randint(3, 90))
    return f"{rng.choice(_VERBS)} {rng.choice(_OBJECTS)} {result}"


def vacancy(rng: Random, title: str, lines: int = 60) -> str:
    """A job description of about ``20 * lines`` tokens."""
    wanted = "\n".join(
        f"- {skill}: has {_deed(rng)}, or can show comparable work on {rng.choice(_OBJECTS)}"
        for skill in rng.choices(_SKILLS, k=lines)
    )
    return f"Vacancy: {title}\nWhat the role asks for, in order of weight:\n{wanted}"


def cv(rng: Random, lines: int = 22) -> str:
    """A CV of about ``18 * lines`` tokens."""
    jobs = "\n".join(
        f"{2026 - year}: {_deed(rng)}; tools: {', '.join(rng.sample(_SKILLS, 3))}" for year in range(lines)
    )
    return f"{person(rng)}\n{jobs}"


def mail(rng: Random) -> str:
    """A customer mail of 60 to 220 tokens."""
    sentences = [f"I am writing about {rng.choice(_TOPICS)}."]
    sentences += [f"Last month your colleague {person(rng)} {_deed(rng)}." for _ in range(rng.randint(1, 7))]
    return "Hello,\n" + " ".join(sentences) + f"\nRegards, {person(rng)}"


def clause(rng: Random, number: int) -> str:
    """One numbered contract clause of about 90 tokens."""
    sentences = " ".join(
        rng.choice(_CLAUSES).format(
            p=rng.choice(_PARTIES), v=rng.choice(_DUTIES), o=rng.choice(_THINGS), n=rng.randint(2, 90)
        )
        for _ in range(3)
    )
    return f"{number}. {sentences}"


def contract(rng: Random, clauses: int) -> list[str]:
    """A contract as numbered clauses."""
    return [clause(rng, number + 1) for number in range(clauses)]


def handbook(rng: Random, heading: str, rules: int) -> str:
    """Standing instructions of about ``30 * rules`` tokens, the same at every call of a task."""
    body = "\n".join(
        f"{number + 1}. If the text says that someone has {_deed(rng)}, weigh {rng.choice(_SKILLS)} before "
        f"{rng.choice(_SKILLS)} and note the evidence in one clause."
        for number in range(rules)
    )
    return f"{heading}\n{body}"
