from __future__ import annotations

import pytest

from penstock.models.catalog import known_models, profile_of
from penstock.models.profile import Profile
from penstock.wire.dialect import Dialect


@pytest.mark.parametrize("model", known_models())
@pytest.mark.parametrize("dialect", list(Dialect))
def test_t28_the_cap_parameter_is_never_one_that_the_model_refuses(model: str, dialect: Dialect) -> None:
    profile = profile_of(model)
    assert isinstance(profile, Profile)
    if dialect.provider == profile.provider:
        assert profile.cap_param(dialect) not in profile.forbidden_params


def test_the_cap_has_one_name_per_dialect() -> None:
    profile = profile_of("gpt-5")
    assert isinstance(profile, Profile)
    names = [profile.cap_param(dialect) for dialect in Dialect]
    assert names == ["max_tokens", "max_completion_tokens", "max_output_tokens"]
