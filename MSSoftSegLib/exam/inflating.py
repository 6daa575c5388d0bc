"""Compressed voxels, unpacked no further than a header allows: a megabyte can hold a thousand times as much of nothing."""

from __future__ import annotations

import zlib

# zlib's window-bits codes for "gzip" and "either gzip or zlib"; both check the checksum.
GZIP, GZIP_OR_ZLIB = 31, 47
# What may follow the voxels that a header promises: writers fill up blocks, or add notes of their own.
SURPLUS_BYTES = 1 << 24


class TooLong(ValueError):
    """More comes out than may."""


class Damaged(ValueError):
    """It ends early, or is not what its checksum says."""


def inflate(packed: bytes, *, most_bytes: int, kind: int = GZIP) -> tuple[bytes, bytes]:
    """The first compressed stream unpacked, and what follows it as it is; TooLong beyond ``most_bytes``, Damaged otherwise."""
    stream = zlib.decompressobj(kind)
    try:
        content = stream.decompress(packed, most_bytes + 1)
    except zlib.error:
        raise Damaged from None
    if len(content) > most_bytes:
        raise TooLong
    if not stream.eof:
        raise Damaged
    return content, stream.unused_data


def inflate_all(packed: bytes, *, most_bytes: int) -> bytes:
    """One gzip file: one stream, or several one after the other as parallel compressors write them; errors as for ``inflate``."""
    parts: list[bytes] = []
    while packed or not parts:
        part, packed = inflate(packed, most_bytes=most_bytes)
        most_bytes -= len(part)
        parts.append(part)
        # Tapes and some writers fill up with zeros.
        packed = packed.lstrip(b"\0")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def peek(packed: bytes, count: int) -> bytes:
    """The first bytes of a gzip file unpacked, fewer where there are not so many; Damaged where it is none."""
    found = b""
    while packed and len(found) < count:
        stream = zlib.decompressobj(GZIP)
        try:
            found += stream.decompress(packed, count - len(found))
        except zlib.error:
            raise Damaged from None
        packed = stream.unused_data.lstrip(b"\0") if stream.eof else b""
    return found
