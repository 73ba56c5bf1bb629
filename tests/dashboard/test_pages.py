from __future__ import annotations

import re

from penstock.dashboard.pages import icon, page, style
from tests.dashboard.serving import Checked


def test_a_page_is_well_formed_and_escapes_what_it_is_given() -> None:
    shown = Checked(page("problem", ledger="<l>", title="</title><script>", text='"><img src=x>', hint=None))
    assert shown.faults == []
    assert shown.loads == ["/mark.svg", "/style.css"]
    assert '"><img src=x>' in shown.text


def test_the_style_is_the_report_s_with_dark_print_and_phone_and_loads_nothing() -> None:
    for part in ("prefers-color-scheme: dark", "@media print", "@media (max-width: 40rem)", "--save:", "table.calls"):
        assert part in style()
    assert not re.search(r"url\(|@import|https?:", style())


def test_the_icon_is_a_picture_by_itself() -> None:
    assert icon().startswith("<svg xmlns=")
