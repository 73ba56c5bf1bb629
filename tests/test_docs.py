"""Links and names in the documentation that the code can check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *(ROOT / "docs").rglob("*.md")]
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_of_the_documentation_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link).resolve()
            if target.is_dir():
                waiting += target.glob("*.md")
            elif target.suffix == ".md" and target.exists():
                waiting.append(target)
    assert [page.relative_to(ROOT) for page in PAGES if page not in reached] == []


def test_every_trap_names_a_test_that_is_there() -> None:
    page = (ROOT / "docs" / "concepts" / "traps.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| T(\d+) \|.*\| `([^`]+)` `([^`]+)` \|$", page, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 30))
    for number, path, name in rows:
        assert re.match(rf"test_t0*{number}_", name)
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
