"""File types: which files are taken, by what their names say and by what is in them."""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import filetype

from models.attachment import AttachmentKind
from models.refusal import Code, Refused

HEAD_BYTES = 4096
"""How much of a file's beginning tells what it is; a tar archive says so in its byte 257."""
TAIL_BYTES = 22 + 65_535
"""How much of its end has the end of a zip archive's directory, with the longest comment."""
MAX_DIRECTORY_BYTES = 2 * 1024 * 1024
"""The largest directory of a zip archive that is read; no document of a person comes near."""
TEXT = "text"
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
MARKUP = (b"<!doctype html", b"<html", b"<svg", b"<script", b"<iframe", b"<body", b"<head")
NAMESPACES = (b"http://www.w3.org/2000/svg", b"http://www.w3.org/1999/xhtml")
_ROOT = re.compile(rb"<(svg|html|script)[\s>/]")
_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")


@dataclass(frozen=True, slots=True)
class FileType:
    """What a file of some extension is."""

    content_type: str
    kind: AttachmentKind
    found: frozenset[str]
    """What its content may be found to be."""
    part: bytes = b""
    """What is in the zip archive that it is, where it is one."""


def _type(content_type: str, kind: AttachmentKind, *found: str, part: bytes = b"") -> FileType:
    return FileType(content_type, kind, frozenset(found or (content_type,)), part)


_IMAGE, _AUDIO, _VIDEO = AttachmentKind.IMAGE, AttachmentKind.AUDIO, AttachmentKind.VIDEO
_DOCUMENT = AttachmentKind.DOCUMENT
_OFFICE = "application/vnd.openxmlformats-officedocument"
_JPEG = _type("image/jpeg", _IMAGE)
_MPEG = _type("video/mpeg", _VIDEO)
_GZIP = _type("application/gzip", _DOCUMENT)
TYPES: Mapping[str, FileType] = {
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "gif": _type("image/gif", _IMAGE),
    "bmp": _type("image/bmp", _IMAGE),
    "png": _type("image/png", _IMAGE),
    "txt": _type("text/plain", _DOCUMENT, TEXT),
    "csv": _type("text/csv", _DOCUMENT, TEXT),
    "log": _type("text/plain", _DOCUMENT, TEXT),
    "xml": _type("application/xml", _DOCUMENT, TEXT),
    "doc": _type("application/msword", _DOCUMENT, "ole"),
    "xls": _type("application/vnd.ms-excel", _DOCUMENT, "ole"),
    "ppt": _type("application/vnd.ms-powerpoint", _DOCUMENT, "ole"),
    "docx": _type(
        f"{_OFFICE}.wordprocessingml.document",
        _DOCUMENT,
        "application/zip",
        part=b"word/document.xml",
    ),
    "xlsx": _type(
        f"{_OFFICE}.spreadsheetml.sheet", _DOCUMENT, "application/zip", part=b"xl/workbook.xml"
    ),
    "pptx": _type(
        f"{_OFFICE}.presentationml.presentation",
        _DOCUMENT,
        "application/zip",
        part=b"ppt/presentation.xml",
    ),
    "mp3": _type("audio/mpeg", _AUDIO),
    "wav": _type("audio/wav", _AUDIO),
    "mp4": _type("video/mp4", _VIDEO, "video/mp4", "audio/mp4"),
    "mov": _type("video/quicktime", _VIDEO),
    "mpg": _MPEG,
    "mpeg": _MPEG,
    "zip": _type("application/zip", _DOCUMENT),
    "tar": _type("application/x-tar", _DOCUMENT),
    "gz": _GZIP,
    "tgz": _GZIP,
    "pdf": _type("application/pdf", _DOCUMENT),
}
"""What is taken, by extension (product rule 17)."""

VOICE_TYPES: Mapping[str, FileType] = {
    "mp3": TYPES["mp3"],
    "wav": TYPES["wav"],
    "m4a": _type("audio/mp4", _AUDIO, "audio/mp4", "video/mp4"),
    "mp4": _type("audio/mp4", _AUDIO, "audio/mp4", "video/mp4"),
    "ogg": _type("audio/ogg", _AUDIO),
    "oga": _type("audio/ogg", _AUDIO),
    "opus": _type("audio/ogg", _AUDIO),
    "webm": _type("audio/webm", _AUDIO, "video/webm"),
    "aac": _type("audio/aac", _AUDIO),
}
"""What voice messages are recorded as (product rule 19)."""
VIDEO_TYPES: Mapping[str, FileType] = {
    **{name: one for name, one in TYPES.items() if one.kind is _VIDEO},
    "webm": _type("video/webm", _VIDEO),
}
"""What video messages are recorded as (product rule 20)."""

_SAME = {
    "audio/x-wav": "audio/wav",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "video/x-m4v": "video/mp4",
    "image/x-ms-bmp": "image/bmp",
    "application/x-gzip": "application/gzip",
}
"""What the library calls otherwise."""


def type_named(file_name: str, kind: AttachmentKind | None = None) -> FileType:
    """Return what a file is by its name; refuse one that is not taken.

    `kind` is what it is meant to be: a voice message or a video is recorded in more formats.
    """
    taken = TYPES
    if kind is AttachmentKind.VOICE:
        taken = VOICE_TYPES
    elif kind is AttachmentKind.VIDEO:
        taken = VIDEO_TYPES
    stem, _, extension = file_name.rpartition(".")
    found = taken.get(extension.lower()) if stem else None
    if found is None or (kind not in (None, AttachmentKind.VOICE, found.kind)):
        raise Refused(
            Code.TYPE_NOT_ACCEPTED,
            "Files of this type are not taken: {types}.",
            field=("fileName",),
            types=", ".join(taken),
        )
    return found


def content_of(head: bytes, *, is_text: bool) -> str | None:
    """Return what the beginning of a file says that it is; None where nobody knows."""
    if head.startswith(OLE):
        return "ole"
    if head[:4] == b"PK\x03\x04" or head[:4] == b"PK\x05\x06":
        return "application/zip"  # the library guesses which document is in it
    if head[:4] in (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"):
        return "video/mpeg"
    if head[4:8] == b"ftyp":
        return _brand(head[8:12])
    found: str | None = filetype.guess_mime(head)
    if found is not None:
        return _SAME.get(found, found)
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE6 == 0xE2:
        return "audio/mpeg"  # a frame of layer III, in whatever version
    return TEXT if is_text else None


def _brand(brand: bytes) -> str:
    if brand in (b"M4A ", b"M4B "):
        return "audio/mp4"
    if brand == b"qt  ":
        return "video/quicktime"
    if brand.startswith(b"3g"):
        return "video/3gpp"
    return "image/heic" if brand in (b"heic", b"heix", b"mif1", b"msf1") else "video/mp4"


def check_content(expected: FileType, head: bytes, tail: bytes, *, is_text: bool) -> None:
    """Refuse a file whose content is not what its name says, or is something else, too."""
    found = content_of(head, is_text=is_text)
    if found == "application/zip" and expected.kind is not _DOCUMENT:
        found = None
    if found not in expected.found or _is_also_other(expected, head, tail):
        raise wrong_content()


def wrong_content() -> Refused:
    """Return the refusal of a file that is not what it seems."""
    return Refused(
        Code.TYPE_NOT_ACCEPTED,
        "The content of this file is not what its name says.",
        field=("file",),
    )


def _is_also_other(expected: FileType, head: bytes, tail: bytes) -> bool:
    """Tell whether a file could pass for another one to some program, or a page to a browser."""
    begun = head[:1024].lower()
    if TEXT in expected.found:
        is_page = begun.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(MARKUP)
        return is_page or (expected.content_type == "application/xml" and _is_drawn(begun))
    if expected.kind is not _DOCUMENT and any(mark in begun for mark in (*MARKUP, b"%pdf-")):
        return True
    return "application/zip" not in expected.found and zip_end(tail) is not None


def _is_drawn(begun: bytes) -> bool:
    """Tell whether XML is a picture or a page, which browsers would show and run."""
    return _ROOT.search(begun) is not None or any(space in begun for space in NAMESPACES)


def zip_end(tail: bytes) -> tuple[int, int] | None:
    """Return size of the directory of a zip archive, and its distance from the end; None for a file
    that does not end like one."""
    at = len(tail)
    while (at := tail.rfind(b"PK\x05\x06", 0, at)) >= 0:
        if at + _END.size > len(tail):
            continue
        _, disk, first, _, count, size, _, comment = _END.unpack_from(tail, at)
        is_end = at + _END.size + comment == len(tail)
        if is_end and disk == first == 0 and size >= count * _ENTRY.size:
            return size, len(tail) - at + size
    return None


def check_parts(expected: FileType, directory: bytes) -> None:
    """Refuse an archive that is not the document its name says, or has programs in it."""
    names = set(zip_names(directory))
    if expected.part not in names or b"[Content_Types].xml" not in names:
        raise wrong_content()
    if any(name.lower().endswith(b"vbaproject.bin") for name in names):
        raise Refused(
            Code.TYPE_NOT_ACCEPTED,
            "Documents with macros in them are not taken.",
            field=("file",),
        )


def zip_names(directory: bytes) -> Iterator[bytes]:
    """Yield the names in the directory of a zip archive, up to where it makes no sense."""
    at = 0
    while at + _ENTRY.size <= len(directory):
        values = _ENTRY.unpack_from(directory, at)
        if values[0] != b"PK\x01\x02":
            return
        name, extra, comment = values[10:13]
        at += _ENTRY.size
        yield directory[at : at + name]
        at += name + extra + comment


def describe(head: bytes, *, is_text: bool) -> tuple[str, AttachmentKind]:
    """Return content type and kind of a file of any type, by its content alone."""
    found = content_of(head, is_text=is_text)
    if found == TEXT:
        return "text/plain", _DOCUMENT
    if found is None or found == "ole":
        return "application/octet-stream", _DOCUMENT
    kinds = {"image": _IMAGE, "audio": _AUDIO, "video": _VIDEO}
    return found, kinds.get(found.partition("/")[0], _DOCUMENT)
