"""Multipart uploads written to disk as they arrive: nothing is spooled in between.

The fields come first and the file last, as storage services ask for it, so the policy is checked
before the first byte of the file is taken.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path, PureWindowsPath

import anyio
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mosaic_mcp.errors import Fault, InvalidRequest, TooLarge

_FLUSH_BYTES = 1 << 20
_MAX_FIELD_BYTES = 1 << 16
_MAX_FIELDS = 32


class UploadForm:
    """A form as it arrives. Every method raises InvalidRequest for a body that is no such form."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        self._parts = _Parts(content_type)
        self._body = body

    async def fields(self) -> Mapping[str, str]:
        """The fields before the file; reads no further than to the file's beginning."""
        async for chunk in self._body:
            self._parts.feed(chunk)
            if self._parts.filename is not None:
                return self._parts.fields
        raise _bad_form("the form has no `file`.")

    async def save(self, path: Path, limit: int) -> str:
        """Write the file to `path`; the name that the client gave it.

        Raises TooLarge when it has more than `limit` bytes.
        """
        written = 0
        async with await anyio.open_file(path, "wb") as output:
            while True:
                if len(self._parts.data) >= _FLUSH_BYTES or self._parts.ended:
                    written += len(self._parts.data)
                    if written > limit:
                        raise TooLarge(
                            f"The file is larger than {limit:,} bytes.",
                            remedy="Send a smaller file.",
                        )
                    await output.write(self._parts.take())
                chunk = await anext(self._body, None)
                if chunk is None:
                    break
                self._parts.feed(chunk)
        if not self._parts.ended or self._parts.filename is None:
            raise _bad_form("the form ended before its file did.")
        return self._parts.filename


class _Parts:
    """The state of one multipart body."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise _bad_form("an upload is a multipart/form-data POST.")
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.data = bytearray()
        self.ended = False
        self._name = ""
        self._header = bytearray()
        self._value = bytearray()
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": lambda data, start, end: self._header.extend(
                        data[start:end]
                    ),
                    "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                    "on_header_end": self._header_ends,
                    "on_part_data": lambda data, start, end: self.data.extend(data[start:end]),
                    "on_part_end": self._part_ends,
                },
            )
        except FormParserError as error:
            raise _bad_form(f"{error}.") from error

    def feed(self, chunk: bytes) -> None:
        """Parse the next bytes of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _bad_form(f"{error}.") from error
        if self.filename is None and len(self.data) > _MAX_FIELD_BYTES:
            raise _bad_form(f"the field {self._name!r} is too long.")

    def take(self) -> bytes:
        """The bytes of the file since the last call."""
        data = bytes(self.data)
        self.data.clear()
        return data

    def _part_begins(self) -> None:
        if self.ended:
            raise _bad_form("`file` must be the last entry of the form.")
        self._name = ""

    def _header_ends(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._name = options.get(b"name", b"").decode(errors="replace")
            if self._name == "file":
                name = options.get(b"filename", b"upload").decode(errors="replace")
                # A client may send a whole path; both kinds of slash separate on Windows paths.
                self.filename = PureWindowsPath(name).name[:200] or "upload"
        self._header.clear()
        self._value.clear()

    def _part_ends(self) -> None:
        if self.filename is not None:
            self.ended = True
        elif len(self.fields) < _MAX_FIELDS:
            self.fields[self._name] = self.take().decode(errors="replace")
        else:
            raise _bad_form("too many fields.")


def _bad_form(what: str) -> InvalidRequest:
    return InvalidRequest(
        [
            Fault(
                "upload",
                what,
                "POST every entry of upload_fields as a form field, then the file as `file`.",
            )
        ]
    )
