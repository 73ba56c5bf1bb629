from __future__ import annotations

from penstock import errors
from penstock.errors import PenstockError
from tools.reference.errors import errors_page


def test_every_error_is_listed_with_its_exit_code() -> None:
    page = errors_page()
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PenstockError)]
    assert len(kinds) > 5
    assert all(f"| `{kind.__name__}` | {kind.exit_code} |" in page for kind in kinds)


def test_the_tree_is_shown_as_it_is_drawn_in_the_code() -> None:
    assert "```text\nPenstockError\n├── CallerError" in errors_page()
