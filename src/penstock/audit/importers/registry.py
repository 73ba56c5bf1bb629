"""The log formats, in the order in which messages name them, and finding a file's format by its content."""

from __future__ import annotations

from penstock.audit.importers.anthropic_batch import ANTHROPIC_BATCH
from penstock.audit.importers.format import Importer
from penstock.audit.importers.native import NATIVE
from penstock.audit.importers.openai_batch import OPENAI_BATCH
from penstock.audit.importers.openai_stored import OPENAI_STORED
from penstock.audit.importers.pairs import PAIRS
from penstock.audit.importers.record import Record
from penstock.errors import UsageError

IMPORTERS: tuple[Importer, ...] = (
    NATIVE,
    PAIRS,
    OPENAI_BATCH,
    OPENAI_STORED,
    ANTHROPIC_BATCH,
)


def importer_named(name: str) -> Importer:
    """The importer of a ``--format`` word; UsageError with the known words otherwise."""
    for importer in IMPORTERS:
        if importer.name == name:
            return importer
    raise UsageError(f"there is no log format {name!r}", hint=f"one of: auto, {names()}")


def candidates(record: Record) -> list[Importer]:
    """The formats whose keys a record has; more than one is an ambiguity, which is never settled by a guess."""
    return [importer for importer in IMPORTERS if importer.matches(record)]


def names() -> str:
    """All format names for a hint."""
    return ", ".join(importer.name for importer in IMPORTERS)
