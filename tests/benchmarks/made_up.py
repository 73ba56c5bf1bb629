"""A transcripts folder of invented conversations, in the schema that the benchmarks read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

SYSTEM = "You answer for an airline. Check the policy before you act. " * 120
TOOL = {
    "type": "function",
    "function": {
        "name": "find_flight",
        "description": "Find a flight.",
        "parameters": {"type": "object", "properties": {"to": {"type": "string"}}},
    },
}


def conversation(number: int, turns: int) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    for turn in range(turns):
        messages.append({"role": "user", "content": f"Traveller {number} asks for flight {turn}. " * 8})
        call = {
            "id": f"call_{turn}",
            "type": "function",
            "function": {"name": "find_flight", "arguments": '{"to":"X"}'},
        }
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"call_{turn}", "content": f"Flight {turn} is at noon. " * 20})
        messages.append({"role": "assistant", "content": f"Flight {turn} is at noon."})
    return {"id": f"c{number}", "group": f"g{number}", "reward": 1.0, "messages": messages, "system_ref": "air"}


def write_folder(folder: Path, conversations: int = 8, turns: int = 3) -> Path:
    with gzip.open(folder / "system.jsonl.gz", "wt") as lines:
        lines.write(json.dumps({"ref": "air", "system": SYSTEM, "tools": [TOOL]}) + "\n")
    with gzip.open(folder / "conversations.jsonl.gz", "wt") as lines:
        lines.writelines(json.dumps(conversation(number, turns)) + "\n" for number in range(conversations))
    return folder
