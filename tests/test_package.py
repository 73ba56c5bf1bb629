"""What has to travel with the package beside its modules, and what its metadata promises."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import jinja2
import pytest

import penstock
from penstock.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["anthropic.toml", "openai.toml", "prices.toml"])
def test_the_model_tables_are_inside_the_package_and_are_toml(name: str) -> None:
    assert tomllib.loads((files("penstock.models") / "data" / name).read_text(encoding="utf-8"))


def test_the_report_template_is_inside_the_package_and_compiles() -> None:
    source = (files("penstock.audit.report") / "templates" / "report.html.j2").read_text(encoding="utf-8")
    assert "<html" in source
    jinja2.Environment(autoescape=True).parse(source)


def test_type_checkers_are_told_that_the_package_is_typed() -> None:
    assert (files("penstock") / "py.typed").is_file()


def test_the_version_is_that_of_the_project() -> None:
    assert penstock.__version__ == PROJECT["project"]["version"]


def test_every_package_folder_has_its_init_so_that_none_is_left_out_of_the_wheel() -> None:
    source = ROOT / "src" / "penstock"
    folders = {path.parent for path in source.rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_every_data_file_lies_in_a_package() -> None:
    source = ROOT / "src" / "penstock"
    data = [path for path in source.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}]
    assert len(data) > 4
    parents = [next(p for p in path.parents if (p / "__init__.py").exists()) for path in data]
    assert all(parent == source or source in parent.parents for parent in parents)


def test_every_command_has_a_file_of_its_own() -> None:
    assert all(
        files("penstock.cli").joinpath(f"{module.rpartition('.')[2]}.py").is_file() for module in COMMANDS.values()
    )
    assert PROJECT["project"]["scripts"] == {"penstock": "penstock.cli.main:run"}


def test_requirements_are_pinned_and_hashed_and_name_no_index() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert len(pinned) > 40
    assert [line for line in pinned if "==" not in line or not line.endswith("\\")] == []
    assert [line for line in lines if "://" in line or "--index" in line or "--find-links" in line] == []


def test_every_dependency_of_the_package_is_among_the_requirements() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pinned = {line.partition("==")[0].strip().lower() for line in text.splitlines() if "==" in line}
    extras = [name for group in PROJECT["project"]["optional-dependencies"].values() for name in group]
    wanted = [*PROJECT["project"]["dependencies"], *extras, *PROJECT["dependency-groups"]["dev"]]
    names = {name.partition(";")[0].replace(">", "=").partition("=")[0].strip().lower() for name in wanted}
    assert names - pinned == set()
