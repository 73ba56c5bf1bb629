"""What both OpenAI dialects refuse: parameters that a model does not take, caps, tiers (semantics 2.2, 2.4, 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.models.profile import Profile
from penstock.simulator.errors import ApiError, bad_request

_SAMPLING = frozenset({"temperature", "top_p"})
_TIERS = {
    "auto": "default",
    "default": "default",
    "flex": "flex",
    "scale": "default",
    "priority": "priority",
    "fast": "priority",
}


def check_shared(body: Mapping[str, Any], profile: Profile) -> None:
    """Raise ApiError for parameters that the model does not take."""
    for name in sorted(profile.forbidden_params):
        value = body.get(name)
        if value is None or (name in _SAMPLING and value == 1):
            continue
        if name == "max_tokens":
            raise unsupported(name, " Use 'max_completion_tokens' instead.")
        if name in _SAMPLING:
            raise ApiError(
                400,
                "invalid_request_error",
                f"Unsupported value: '{name}' does not support {value} with this model. "
                "Only the default (1) value is supported.",
                param=name,
                code="unsupported_value",
            )
        raise unsupported(name)
    tier = body.get("service_tier")
    if tier is not None and tier not in tuple(_TIERS):
        raise bad_request("Invalid value for 'service_tier'.", param="service_tier", code="invalid_value")


def check_cap(body: Mapping[str, Any], name: str, profile: Profile, *, least: int) -> None:
    """Raise ApiError when the output cap ``name`` is below ``least`` or above what the model can generate."""
    cap = body.get(name)
    if cap is None:
        return
    if not isinstance(cap, int) or isinstance(cap, bool):
        raise bad_request(f"Invalid type for '{name}': expected an integer.", param=name, code="invalid_type")
    if cap < least:
        raise bad_request(
            f"Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {cap} instead.",
            param=name,
            code="integer_below_min_value",
        )
    most = profile.max_output
    if isinstance(most, int) and cap > most:
        raise bad_request(
            f"{name} is too large: {cap}. This model supports at most {most} completion tokens, "
            f"whereas you provided {cap}.",
            param=name,
            code="invalid_value",
        )


def tier_of_response(body: Mapping[str, Any]) -> str:
    """The tier that a response names: ``fast`` is answered as ``priority`` (provider-semantics 2.5)."""
    return _TIERS.get(str(body.get("service_tier") or "auto"), "default")


def unsupported(name: str, advice: str = "") -> ApiError:
    """The 400 for a parameter that the model does not take."""
    return bad_request(
        f"Unsupported parameter: '{name}' is not supported with this model.{advice}",
        param=name,
        code="unsupported_parameter",
    )
