from __future__ import annotations

from pathlib import Path

import pytest

from tools.reference.pages import FOLDER, HEAD, PAGES, main


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    assert main(check=False, folder=folder) == 0
    return folder


def test_every_page_is_written_under_a_heading_of_its_own(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == sorted(PAGES)
    pages = [path for path in written.iterdir() if path.suffix == ".md"]
    titles = [path.read_text(encoding="utf-8").removeprefix(HEAD).splitlines()[0] for path in pages]
    assert all(title.startswith("# ") for title in titles)
    assert len(set(titles)) == len(pages) == len(PAGES) - 1


def test_pages_are_the_same_each_time(written: Path) -> None:
    assert main(check=True, folder=written) == 0


def test_a_page_that_differs_from_the_code_is_named(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = written / "errors.md"
    kept = page.read_text(encoding="utf-8")
    page.write_text("something else", encoding="utf-8")
    assert main(check=True, folder=written) == 1
    page.write_text(kept, encoding="utf-8")
    shown = capsys.readouterr().err
    assert "errors.md" in shown
    assert "cli.md" not in shown


def test_a_missing_page_is_out_of_date(tmp_path: Path) -> None:
    assert main(check=True, folder=tmp_path) == 1


def test_pages_lie_in_the_docs_folder() -> None:
    assert (FOLDER / "cli.md").exists()
