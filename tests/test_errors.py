from __future__ import annotations

import pytest

from penstock import errors

_ALL = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.PenstockError)]


@pytest.mark.parametrize("kind", _ALL)
def test_every_error_belongs_to_the_one_tree_and_carries_its_hint(kind: type[errors.PenstockError]) -> None:
    error = kind("what happened", hint="what to do")
    assert (str(error), error.hint) == ("what happened", "what to do")
    assert kind("what happened").hint is None


@pytest.mark.parametrize(
    ("kind", "family", "code"),
    [
        (errors.UsageError, errors.CallerError, 2),
        (errors.PolicyError, errors.UsageError, 2),
        (errors.InputError, errors.CallerError, 3),
        (errors.MalformedRequest, errors.CallerError, 3),
        (errors.UpstreamUnreachable, errors.UpstreamError, 3),
        (errors.UpstreamTimeout, errors.UpstreamError, 3),
        (errors.UpstreamProtocolError, errors.UpstreamError, 3),
        (errors.InternalError, errors.PenstockError, 3),
    ],
)
def test_families_say_whose_fault_it_is_and_what_the_command_exits_with(
    kind: type[errors.PenstockError], family: type[errors.PenstockError], code: int
) -> None:
    assert issubclass(kind, family)
    assert kind.exit_code == code


def test_the_families_exclude_each_other() -> None:
    families = (errors.CallerError, errors.UpstreamError, errors.InternalError)
    for kind in _ALL:
        assert kind is errors.PenstockError or sum(issubclass(kind, family) for family in families) == 1


def test_the_tree_in_the_documentation_names_every_error() -> None:
    for kind in _ALL:
        assert kind.__name__ in (errors.__doc__ or "")
