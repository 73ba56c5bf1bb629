"""Plain pairs: a line with the untouched ``request`` and ``response`` bodies and nothing that must be there beside."""

from __future__ import annotations

from penstock.audit.importers.format import EachRecord, Importer
from penstock.audit.importers.native import read_neutral

PAIRS = Importer(
    name="pairs",
    title="request and response pairs",
    matches=lambda record: "request" in record and "response" in record and "api" not in record,
    start=lambda report: EachRecord(read_neutral, report),
)
