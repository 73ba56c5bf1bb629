from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import PolicyError
from penstock.policy.schema import Policy
from penstock.settings import policy_path, read_policy


def test_without_a_file_the_policy_is_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_policy(environ={}) == Policy()
    assert policy_path(None, {}) is None


def test_the_file_is_the_given_one_then_the_environments_then_the_working_directorys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("penstock.toml").write_text("[holdback]\nshare = 0.2")
    (tmp_path / "other.toml").write_text("[holdback]\nshare = 0.3")
    (tmp_path / "given.toml").write_text("[holdback]\nshare = 0.4")
    environ = {"PENSTOCK_POLICY": str(tmp_path / "other.toml")}
    assert read_policy(tmp_path / "given.toml", environ=environ).holdback.share == 0.4
    assert read_policy(environ=environ).holdback.share == 0.3
    assert read_policy(environ={}).holdback.share == 0.2
    assert read_policy(environ={"PENSTOCK_HOLDBACK__SHARE": "0.5"}).holdback.share == 0.5


def test_prompts_are_read_beside_the_policy(tmp_path: Path) -> None:
    (tmp_path / "short.md").write_text("Answer yes or no.")
    (tmp_path / "p.toml").write_text('[tasks.a.route.variants]\nm = "short.md"')
    assert read_policy(tmp_path / "p.toml", environ={}).prompts == {"short.md": "Answer yes or no."}


def test_a_missing_or_unreadable_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="No such file"):
        read_policy(tmp_path / "missing.toml", environ={})
    (tmp_path / "latin.toml").write_bytes(b"mode = '\xe9'")
    with pytest.raises(PolicyError, match="not UTF-8"):
        read_policy(tmp_path / "latin.toml", environ={})
    (tmp_path / "p.toml").write_text('[tasks.a.route.variants]\nm = "none.md"')
    with pytest.raises(PolicyError, match=r"line 2.*cannot read `none.md`"):
        read_policy(tmp_path / "p.toml", environ={})
