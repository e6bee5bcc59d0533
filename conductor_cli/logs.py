"""Printing the output of a run: bytes of several streams, on a terminal or not."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from conductor_cli.data import as_data
from conductor_cli.output import show_json_line
from conductor_server.drawing.letters import printable

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2 import ReadRunLogsResponse

UTF8 = codecs.lookup("utf-8").incrementaldecoder


def print_logs(pieces: Iterable[ReadRunLogsResponse], *, format: str) -> None:
    """Prints pieces as they come. Ctrl-C is the usual end of following, and no error."""
    try:
        if format == "json":
            for piece in pieces:
                show_json_line({**as_data(piece), "text": piece.data.decode(errors="backslashreplace")})
        elif sys.stdout.isatty():
            _print_escaped(pieces)
        else:
            _print_bytes(pieces)
    except KeyboardInterrupt:
        click.echo(err=True)


def _print_bytes(pieces: Iterable[ReadRunLogsResponse]) -> None:
    for piece in pieces:
        sys.stdout.buffer.write(piece.data)
        sys.stdout.buffer.flush()


def _print_escaped(pieces: Iterable[ReadRunLogsResponse]) -> None:
    # A letter may be cut in two between pieces of one stream, so each stream has a decoder of its own.
    decoders: dict[str, codecs.IncrementalDecoder] = {}
    for piece in pieces:
        if piece.stream not in decoders:
            decoders[piece.stream] = UTF8(errors="backslashreplace")
        click.echo(_escaped(decoders[piece.stream].decode(piece.data)), nl=False)


def _escaped(text: str) -> str:
    """Everything but line ends and tabs; a carriage return before a line end is a part of it."""
    text = text.replace("\r\n", "\n")
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))
