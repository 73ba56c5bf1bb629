"""Call sites that are one task although their prompts differ by more than dates and ids: near-duplicates joined.

Two prompts with the same tools and the same output schema are one site when nearly all pairs of neighbouring words of
their masked texts are the same. A site has the fingerprint under which it was first seen; that name, the time, and a
sketch of the text (the least hash in each of 64 buckets) are kept, so that a restart and another host name it alike.
Where hosts saw sites apart, the one that was seen first gives the name when their evidence is merged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from xxhash import xxh3_64_intdigest

from penstock.evidence.growth import through
from penstock.evidence.task import marks
from penstock.wire.view import View

ALIKE = 0.9
"""Share of equal places of two sketches from which two prompts are one site."""
FEWEST = 24
"""Words that a prompt must have; of shorter ones every word counts."""

_PLACES = 64
_BANDS, _ROWS = 8, 8
_MOST_SITES, _MOST_NAMES = 2_000, 20_000
_EMPTY = 0

Sketch = tuple[int, ...]


class Site(NamedTuple):
    """One site: when it was first seen (seconds since the epoch), its name, digest of tools and schema, sketch."""

    first_at: float
    name: str
    shape: int
    sketch: Sketch


class Sites:
    """The sites of a process, or of several that were merged."""

    def __init__(self, sites: tuple[Site, ...] = ()) -> None:
        self._sites: dict[str, Site] = {}
        self._bands: dict[tuple[int, int, Sketch], list[str]] = {}
        self._names: OrderedDict[str, str] = OrderedDict()
        for site in sorted(sites):
            self._join(site)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sites) and self._sites == other._sites

    def __hash__(self) -> int:
        return id(self)

    def __len__(self) -> int:
        return len(self._sites)

    def name(self, fingerprint: str, view: View, at: float) -> str:
        """The name of the site that a fingerprint belongs to: its own, or that of a near-duplicate seen before.

        Args:
            fingerprint: of the call.
            view: the call; read only when its fingerprint is new.
            at: seconds since the epoch.
        """
        known = self._names.get(fingerprint)
        if known is not None:
            self._names.move_to_end(fingerprint)
            return known
        seen = marks(view)
        name = self._join(Site(at, fingerprint, seen.shape, sketch_of(seen.text)))
        self._names[fingerprint] = name
        if len(self._names) > _MOST_NAMES:
            self._names.popitem(last=False)
        return name

    def merge(self, other: Sites) -> None:
        """Add another process's sites; of two that are one, the earlier gives the name."""
        merged = Sites((*self._sites.values(), *other._sites.values()))
        self._sites, self._bands, self._names = merged._sites, merged._bands, merged._names

    def advance(self, earlier: Sites, now: Sites) -> None:
        """Add the sites that are new since an earlier state (``evidence.growth``)."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Sites, now: Sites) -> Iterator[None]:
        """The same, a site at a time: all are joined anew, since the first of those that are one gives the name."""
        fresh = [site for name, site in now._sites.items() if site != earlier._sites.get(name)]
        if not fresh:
            return
        merged = Sites()
        known = dict(self._sites)
        for site in sorted((*known.values(), *fresh)):
            merged._join(site)
            yield
        for name, site in self._sites.items():
            if name not in known:  # it came meanwhile
                merged._join(site)
        self._sites, self._bands, self._names = merged._sites, merged._bands, merged._names

    def to_builtins(self) -> Any:
        """Plain JSON values; hashes only."""
        return [[site.first_at, site.name, site.shape, list(site.sketch)] for site in sorted(self._sites.values())]

    @classmethod
    def from_builtins(cls, value: Any) -> Sites:
        """The sites that ``to_builtins`` described; ValueError or TypeError for anything else."""
        return cls(
            tuple(
                Site(float(at), str(name), int(shape), tuple(int(one) for one in sketch))
                for at, name, shape, sketch in value
            )
        )

    def _join(self, site: Site) -> str:
        """The name of the first site that is like this one; it becomes a site of its own if there is none."""
        bands = _bands(site)
        near = {name for band in bands for name in self._bands.get(band, ())}
        alike = [self._sites[name] for name in near if _alike(self._sites[name], site)]
        if alike:
            return min(alike).name
        if site.name not in self._sites and len(self._sites) < _MOST_SITES:
            self._sites[site.name] = site
            for band in bands:
                self._bands.setdefault(band, []).append(site.name)
        return site.name


def sketch_of(text: str) -> Sketch:
    """A sketch of a masked text: the share of equal places of two is about the share of word pairs in common.

    Empty for a text that is too short to be like another.
    """
    words = text.casefold().split()
    if len(words) < FEWEST:
        return ()
    places = [_EMPTY] * _PLACES
    for one, other in pairwise(words):
        value = xxh3_64_intdigest(f"{one} {other}".encode("utf-8", "surrogatepass")) | 1
        place = value >> 58
        if places[place] == _EMPTY or value < places[place]:
            places[place] = value
    return tuple(value >> 16 & 0xFFFFFFFF for value in places)


def _alike(site: Site, other: Site) -> bool:
    if not site.sketch or site.shape != other.shape or len(site.sketch) != len(other.sketch):
        return False
    told = [(one, two) for one, two in zip(site.sketch, other.sketch, strict=True) if one or two]
    return sum(one == two for one, two in told) >= ALIKE * len(told)


def _bands(site: Site) -> list[tuple[int, int, Sketch]]:
    """Parts of a sketch; two prompts that are alike have at least one in common."""
    rows = range(0, len(site.sketch), _ROWS)
    return [(site.shape, start, site.sketch[start : start + _ROWS]) for start in rows]
