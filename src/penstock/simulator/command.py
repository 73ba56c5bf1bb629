"""``penstock simulate --port``: the simulator in the foreground, with its settings read from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from penstock.errors import UsageError
from penstock.listening import is_loopback, listen, url_of
from penstock.simulator.clock import Clock, ManualClock, RealClock
from penstock.simulator.config import Config
from penstock.simulator.faults import FaultRule, parse_rules
from penstock.simulator.limits import UNENFORCED, Limits
from penstock.simulator.provider import Provider
from penstock.simulator.responders import responder_from
from penstock.simulator.server import serve

_LIMIT_NAMES = {"rpm": "requests", "itpm": "input_tokens", "otpm": "output_tokens", "tpm": "tokens"}


def serve_from_command_line(
    *,
    port: int,
    host: str = "127.0.0.1",
    public: bool = False,
    seed: int = 0,
    faults: str = "",
    responder: str = "synthetic",
    limits: str = "",
    speed: float = 1.0,
    manual_clock: bool = False,
    first_byte: float = 0.0,
    tokens_per_second: float = 0.0,
) -> None:
    """Serve until interrupted; the lines to set in the environment go to stderr.

    Raises:
        UsageError: when a setting is wrong, or the address is public without ``public``.
        CallerError: when the port is taken.
    """
    if not is_loopback(host) and not public:
        raise UsageError(
            f"{host} is not a loopback address",
            hint="a simulator answers anyone who reaches it; say --public if that is meant",
        )
    if speed <= 0:
        raise UsageError("--speed takes a number above 0")
    config = Config(
        seed=seed,
        responder=responder_from(responder, seed),
        limits=limits_from(limits),
        faults=rules_from(faults),
        first_byte_s=first_byte,
        tokens_per_s=tokens_per_second,
        keep_calls=100_000,
        keep_requests=0,
    )
    clock: Clock = ManualClock() if manual_clock else RealClock(speed)
    listener = listen(host, port)
    sys.stderr.write(environment_lines(url_of(listener)))
    sys.stderr.flush()
    serve(Provider(config), clock, listener, controllable=is_loopback(host))


def environment_lines(url: str) -> str:
    """What to tell the person at the terminal."""
    return (
        f"Simulated providers on {url}: answers are simulated, billing is by the documented rules. Ctrl-C stops.\n"
        f"export ANTHROPIC_BASE_URL={url}\n"
        f"export OPENAI_BASE_URL={url}/v1\n"
        "export ANTHROPIC_API_KEY=simulated OPENAI_API_KEY=simulated\n"
    )


def limits_from(spec: str) -> Limits:
    """``rpm=60,itpm=10000,otpm=2000,tpm=20000`` as enforced limits; the empty text enforces none."""
    if not spec:
        return UNENFORCED
    given: dict[str, int] = {}
    for part in spec.split(","):
        name, _, number = part.strip().partition("=")
        if name not in _LIMIT_NAMES or not number.isdigit() or int(number) == 0:
            raise UsageError(f"no rate limit reads {part.strip()!r}", hint="rpm, itpm, otpm or tpm, as in rpm=60")
        given[_LIMIT_NAMES[name]] = int(number)
    return Limits(
        requests=given.get("requests", UNENFORCED.requests),
        input_tokens=given.get("input_tokens", UNENFORCED.input_tokens),
        output_tokens=given.get("output_tokens", UNENFORCED.output_tokens),
        tokens=given.get("tokens", UNENFORCED.tokens),
    )


def rules_from(spec: str) -> list[FaultRule]:
    """Fault rules from a spec, or from a file of specs, one or more in a line."""
    path = Path(spec)
    if spec and _is_file(path):
        return parse_rules(",".join(path.read_text(encoding="utf-8").splitlines()))
    return parse_rules(spec)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a spec that is longer than a file's name can be
        return False
