"""Listing models in both providers' shapes (`GET /v1/models`, `GET /v1/models/{id}`)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from penstock.models.catalog import known_models, profile_of
from penstock.models.profile import Profile
from penstock.simulator.errors import ApiError
from penstock.unknown import Unknown

_EPOCH = date(1970, 1, 1)


def list_models(provider: str, at: float) -> dict[str, Any]:
    """Every model of a provider that is on sale at a time."""
    served = [profile for profile in map(profile_of, known_models()) if _served(profile, provider, at)]
    if provider == "openai":
        return {"object": "list", "data": [_openai(each) for each in served if not isinstance(each, Unknown)]}
    data = [_anthropic(each) for each in served if not isinstance(each, Unknown)]
    return {
        "data": data,
        "has_more": False,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }


def one_model(provider: str, name: str, at: float) -> dict[str, Any]:
    """One model; ApiError 404 when the provider does not serve it."""
    profile = profile_of(name)
    if isinstance(profile, Unknown) or not _served(profile, provider, at):
        raise ApiError(404, None, f"model: {name[:100]}" if provider == "anthropic" else "The model does not exist")
    return {**(_openai(profile) if provider == "openai" else _anthropic(profile)), "id": name}


def _served(profile: Profile | Unknown, provider: str, at: float) -> bool:
    if isinstance(profile, Unknown) or profile.provider != provider:
        return False
    today = datetime.fromtimestamp(at, UTC).date()
    return (profile.retired is None or today < profile.retired) and (
        profile.released is None or profile.released <= today
    )


def _openai(profile: Profile) -> dict[str, Any]:
    released = datetime.combine(profile.released or _EPOCH, time(), UTC)
    return {"id": profile.model, "object": "model", "created": int(released.timestamp()), "owned_by": "system"}


def _anthropic(profile: Profile) -> dict[str, Any]:
    released = datetime.combine(profile.released or _EPOCH, time(), UTC)
    return {
        "type": "model",
        "id": profile.model,
        "display_name": profile.model.replace("-", " ").title(),
        "created_at": released.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
    }
