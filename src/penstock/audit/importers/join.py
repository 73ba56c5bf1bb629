"""Joins the two halves of a batch on their ``custom_id``, in any order and over any number of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from penstock.audit.importers.format import Found
from penstock.audit.importers.record import Record, parse_record
from penstock.audit.lines import Held
from penstock.audit.reading import Skipped

NO_ANSWER = "a batch request without its result"
NO_REQUEST = "a batch result without its request"
NO_ID = "a batch line without a custom_id"


class BatchReading:
    """Holds the half that came first as a place in its file, and reads it again when the other one comes.

    Two batches may use the same id; a result takes the request of that id that came last before it, or the next one.
    """

    def __init__(
        self,
        is_request: Callable[[Record], bool],
        join: Callable[[Record | None, Record], Found],
    ) -> None:
        self._is_request = is_request
        self._join = join
        self._requests: dict[str, Held] = {}
        self._results: dict[str, Held] = {}

    def feed(self, record: Record) -> Iterator[Found]:
        """The call that this half completes, if the other half is there."""
        key = record.text("custom_id")
        if key is None:
            yield Skipped(NO_ID, record.source)
        elif self._is_request(record):
            waiting = self._results.pop(key, None)
            if waiting is None:
                self._requests[key] = record.line.hold()
            else:
                yield self._completed(record, waiting)
        else:
            held = self._requests.pop(key, None)
            if held is None:
                self._results[key] = record.line.hold()
            else:
                request = parse_record(held.load())
                yield request if isinstance(request, Skipped) else self._join(request, record)

    def finish(self) -> Iterator[Found]:
        """Results without a request still have usage and become calls; requests without a result are counted."""
        for held in self._results.values():
            yield self._completed(None, held)
        for held in self._requests.values():
            yield Skipped(NO_ANSWER, held.source)

    def _completed(self, request: Record | None, held: Held) -> Found:
        result = parse_record(held.load())
        return result if isinstance(result, Skipped) else self._join(request, result)
