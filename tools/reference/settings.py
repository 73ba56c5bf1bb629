"""The page of the policy file: every key, and the environment variables that reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from penstock import settings
from penstock.policy import environment
from penstock.policy.json_schema import policy_json_schema
from tools.reference.markdown import code, paragraphs, prose, table
from tools.reference.structs import members, referred


class Section(NamedTuple):
    """A table of the file.

    Attributes:
        path: ``tasks.NAME.cap``; empty for the top of the file.
        struct: the name of its definition.
        meaning: what its key says, beside what the struct says.
        optional: whether it is absent by default.
        same_as: the path of a table with the same keys that was told before, or None.
    """

    path: str
    struct: str
    meaning: str = ""
    optional: bool = False
    same_as: str | None = None


def settings_page() -> str:
    """Every key of ``penstock.toml`` with its type, default and meaning."""
    known = policy_json_schema()["$defs"]
    lines = ["# Settings", "", *paragraphs(settings.__doc__ or "")]
    lines += [
        "An unknown key is an error with a suggestion. `penstock config show --resolved` prints what is in force."
    ]
    lines += ["", "## Environment", "", *paragraphs(environment.__doc__ or "")]
    others = ", ".join(map(code, sorted(environment.NOT_POLICY)))
    lines += [f"Not keys of the policy: {others} (where it lies and where calls are kept).", ""]
    for section in sections(known):
        lines += _section_lines(section, known)
    return "\n".join(lines)


def sections(known: Mapping[str, Any]) -> Iterator[Section]:
    """Each table of the file, a table right before those inside it."""
    told: dict[str, str] = {}
    waiting = [Section("", "Policy")]
    while waiting:
        section = waiting.pop(0)
        if section.struct in told:
            yield section._replace(same_as=told[section.struct])
            continue
        told[section.struct] = section.path
        yield section
        waiting[:0] = [
            Section(
                f"{section.path}.{tail}" if section.path else tail,
                struct,
                schema.get("description", ""),
                "anyOf" in schema,
            )
            for key, schema in known[section.struct]["properties"].items()
            for tail, struct in _below(key, schema, known)
        ]


def _section_lines(section: Section, known: Mapping[str, Any]) -> list[str]:
    definition = known[section.struct]
    title = code(f"[{section.path}]") if section.path else "The top of the file"
    meaning = f"{section.meaning[:1].upper()}{section.meaning[1:]}"
    said = [meaning] if section.same_as is not None else [definition["description"], meaning]
    if section.same_as is not None:
        said.append(f"The keys are those of `[{section.same_as}]`.")
    if section.optional:
        said.append("Not there by default.")
    lines = [f"## {title}", "", prose(" ".join(said)), ""]
    if section.same_as is None:
        plain = {key: one for key, one in definition["properties"].items() if not _below(key, one, known)}
        lines += table(("key", "type", "default", "meaning"), members({**definition, "properties": plain}, known))
    return lines


def _below(key: str, schema: Mapping[str, Any], known: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The table that a key is, as its path below this one and its struct; empty for a plain value."""
    values = schema.get("additionalProperties")
    for tail, one in ((key, schema), (f"{key}.NAME", values)):
        name = referred(one, known) if isinstance(one, dict) else None
        if name is not None:
            return [(tail, name)]
    return []
