"""What an agent and a server of a release said to each other, byte for byte, in a file that people can read too.

A line for each message, ``CALL DIRECTION METHOD BASE64``, with the same as text, indented, below it. Calls are numbered
as they began; ``>`` is what the agent said, ``<`` the server's answer, ``x`` the agent's end of a call. A line with
``!`` is what an operator did meanwhile. Only the names of the two machines are not those of the recording.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import Message

from conductor_proto.v1 import agent_service_pb2, run_pb2

METHODS = ("Register", "ClaimRun", "Heartbeat", "Complete", "PushLogs")

_PROGRAM = """
import base64, json, os, sys, zlib
path = json.loads(zlib.decompress(base64.b64decode(os.environ["DAGSTER_PIPES_MESSAGES"])))["path"]
for payload in ({"progress": 0.5, "message": "half"}, {"checkpoint": {"row": 7}}, {"result": {"rows": 7}}):
    message = {"__dagster_pipes_version": "0.1", "method": "report_custom_message", "params": {"payload": payload}}
    print(json.dumps(message), file=open(path, "a"))
"""

DEFINITIONS: tuple[dict[str, Any], ...] = (
    {
        "name": "load",
        "timeout": "10m",
        "shell": {
            "script": f"python3 -c '{_PROGRAM}'; echo attempt $CONDUCTOR_ATTEMPT; "
            "while [ ! -e gate-load ]; do sleep 0.05; done; [ $CONDUCTOR_ATTEMPT != 1 ] || exit 3"
        },
    },
    {"name": "adopted", "shell": {"script": "while [ ! -e gate-adopted ]; do sleep 0.05; done"}},
    {"name": "cancelled", "shell": {"script": "while true; do sleep 0.05; done"}},
)
"""One that fails and is tried again, one that outlives its agent, one that an operator stops."""

RUNS = {
    ("load/once", 1): "failed",
    ("load/once", 2): "success",
    ("adopted/once", 1): "success",
    ("cancelled/once", 1): "cancelled",
}
"""How it ends: every run by slot and attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message, the end of a call, or (without a call) an operator's action."""

    call: int
    direction: str
    method: str
    data: bytes = b""

    @property
    def message(self) -> Any:
        """What it says to the present release; what that does not know stays in it."""
        kind = "Response" if self.direction == "<" else "Request"
        message: Message = getattr(agent_service_pb2, f"{self.method}{kind}").FromString(self.data)
        return message


def write(lines: list[Line]) -> str:
    return "".join(_written(line) for line in lines)


def _written(line: Line) -> str:
    if line.direction == "!":
        return f"! {line.method}\n"
    head = f"{line.call} {line.direction} {line.method}"
    if line.direction == "x":
        return f"{head}\n"
    text = text_format.MessageToString(line.message, as_utf8=True, as_one_line=True)
    return f"{head} {base64.b64encode(line.data).decode()}\n    {text}\n"


def read(file: Path) -> list[Line]:
    return [_read(text) for text in file.read_text().splitlines() if not text.startswith("    ")]


def _read(text: str) -> Line:
    if text.startswith("! "):
        return Line(call=0, direction="!", method=text[2:])
    call, direction, method, *data = text.split()
    return Line(call=int(call), direction=direction, method=method, data=base64.b64decode("".join(data)))


def leases(message: Message) -> Iterator[run_pb2.Lease]:
    """Every lease in a message, to be read or changed in its place."""
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE or field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.is_repeated else [value]:
            if isinstance(each, run_pb2.Lease):
                yield each
            else:
                yield from leases(each)


def disagreements(recorded: Message, actual: Message, *, but: Callable[[str], bool]) -> list[str]:
    """Fields that were said then and are said otherwise now. What is new is no disagreement."""
    return [
        f"{field.full_name}: {value} is now {getattr(actual, field.name)}"
        for field, value in recorded.ListFields()
        if not but(field.name) and getattr(actual, field.name) != value
    ]
