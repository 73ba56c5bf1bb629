"""The pages as HTML: the report's style and mark, no script, nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment

from penstock import __version__
from penstock.audit.report.html import PACKAGE, template_environment
from penstock.dashboard import words
from penstock.dashboard.chart import SIZE
from penstock.engine.labels import SIMULATED
from penstock.engine.simulated import simulated_words

_OWN = "penstock.dashboard"


def page(name: str, **values: Any) -> str:
    """A page of the folder ``templates``, with the values that it names."""
    return _environment().get_template(f"{name}.html.j2").render(**values)


@cache
def style() -> str:
    """The style of all pages: the report's, and what only these have."""
    return "".join(
        files(package).joinpath("templates", name).read_text("utf-8")
        for package, name in ((PACKAGE, "style.css"), (_OWN, "dashboard.css"))
    )


@cache
def icon() -> str:
    """The mark as a picture of its own, in the style's green."""
    mark = files(PACKAGE).joinpath("templates", "mark.svg").read_text("utf-8")
    return mark.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" color="#12715b"', 1)


@cache
def _environment() -> Environment:
    environment = template_environment(_OWN, PACKAGE)
    environment.filters |= {
        "dollars": words.dollars,
        "moment": words.moment,
        "machine_moment": words.machine_moment,
        "took": words.took,
        "quoted": _quoted,
    }
    environment.tests["tagged"] = lambda tags, name: name in tags
    environment.globals |= {
        "version": __version__,
        "size": SIZE,
        "counted": words.counted,
        "query": lambda **given: urlencode({name: value for name, value in given.items() if value is not None}),
        "SIMULATED": SIMULATED,
        "simulated_words": simulated_words,
    }
    return environment


def _quoted(text: str) -> str:
    """A name as one part of a path."""
    return quote(text, safe="")
