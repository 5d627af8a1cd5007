"""The rule of file types: name and content agree, and nothing is two things at once."""

import io
import struct
import tarfile

import pytest

from models.attachment import AttachmentKind
from models.refusal import Code, Refused
from resolvers.file_types import (
    OLE,
    TYPES,
    check_content,
    check_parts,
    content_of,
    describe,
    type_named,
    zip_end,
    zip_names,
)
from tests.uploading import zipped

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0" * 50
GIF = b"GIF89a" + b"\1\0" * 40
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF" + b"\0" * 80
MP4 = b"\0\0\0\x20ftypisom" + b"\0" * 60
DOCX = zipped("[Content_Types].xml", "word/document.xml")


def tar_of(name: str, data: bytes) -> bytes:
    """Return a tar archive with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.png", PNG, None),
        ("a.JPEG", JPEG, None),
        ("a.gif", GIF, None),
        ("a.bmp", b"BM" + b"\0" * 60, None),
        ("a.mp4", MP4, None),
        ("a.mov", b"\0\0\0\x14ftypqt  " + b"\0" * 60, None),
        ("a.mp3", b"ID3\4" + b"\0" * 60, None),
        ("a.mp3", b"\xff\xfb\x90\x64" + b"\0" * 60, None),
        ("a.wav", b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40, None),
        ("a.mpg", b"\0\0\1\xba" + b"\0" * 60, None),
        ("a.pdf", b"%PDF-1.4" + b"\0" * 60, None),
        ("a.doc", OLE + b"\0" * 600, None),
        ("a.docx", DOCX, None),
        ("a.zip", zipped("x.html"), None),
        ("a.tar", tar_of("x.html", b"<html>"), None),
        ("a.tgz", b"\x1f\x8b\x08" + b"\0" * 60, None),
        ("a.csv", b"\xef\xbb\xbfa;b\r\n", None),
        ("a.csv", "né;\n".encode("latin-1"), None),
        ("a.txt", "\ufeffwide".encode("utf-16-le"), None),
        ("a.log", b"\x1b[31mred\x1b[0m <html>", None),
        ("a.xml", b"<?xml version='1.0'?><invoice><body/><header/></invoice>", None),
        ("a.ogg", b"OggS" + b"\0" * 60, AttachmentKind.VOICE),
        ("a.m4a", b"\0\0\0\x20ftypM4A " + b"\0" * 60, AttachmentKind.VOICE),
        ("a.webm", b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm", AttachmentKind.VOICE),
        ("a.webm", b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm", AttachmentKind.VIDEO),
    ],
)
def test_what_is_taken(name: str, data: bytes, kind: AttachmentKind | None) -> None:
    is_text = not any(code < 9 for code in data) or data.startswith(b"\xff\xfe")
    check_content(type_named(name, kind), data, data, is_text=is_text)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("svg as png", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"),
        ("html as png", b"<!DOCTYPE html><script>1</script>"),
        ("gif as png", GIF),
        ("page in gif", GIF + b"<script>alert(1)</script>"),
        ("zip behind gif", GIF + b"\0" * 2000 + zipped("a.class")),
        ("zip behind pdf", b"%PDF-1.4" + b"\0" * 2000 + zipped("a.class")),
        ("pdf in jpeg", JPEG + b"%PDF-1.4"),
        ("page as txt", b"\n <HTML><body>"),
        ("page as csv", b"<script>"),
        ("svg as xml", b"<?xml version='1.0'?><!-- x --><svg></svg>"),
        ("page as xml", b"<x:a xmlns:x='http://www.w3.org/1999/xhtml'/>"),
        ("program as zip", b"MZ" + b"\0" * 200),
        ("binary as txt", b"\0\1\2\3"),
        ("text as pdf", b"hello"),
        ("ole as docx", OLE + b"\0" * 600),
        ("heic as mp4", b"\0\0\0\x20ftypheic" + b"\0" * 60),
    ],
)
def test_what_is_not_taken(name: str, data: bytes) -> None:
    posing = f"a.{name.split()[-1]}"
    is_text = not any(code < 9 for code in data)
    with pytest.raises(Refused) as refused:
        check_content(type_named(posing), data, data, is_text=is_text)
    assert refused.value.code is Code.TYPE_NOT_ACCEPTED


def test_documents_are_looked_into() -> None:
    def directory(data: bytes) -> bytes:
        found = zip_end(data)
        assert found is not None
        size, distance = found
        return data[len(data) - distance :][:size]

    assert list(zip_names(directory(DOCX))) == [b"[Content_Types].xml", b"word/document.xml"]
    check_parts(TYPES["docx"], directory(DOCX))
    macros = zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin")
    for extension, data in (
        ("xlsx", DOCX),
        ("docx", zipped("word/document.xml")),
        ("docx", macros),
    ):
        with pytest.raises(Refused) as refused:
            check_parts(TYPES[extension], directory(data))
        assert refused.value.code is Code.TYPE_NOT_ACCEPTED
    lying = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, 46, 0, 0)
    assert zip_end(lying) is None
    assert zip_end(b"PK\5\6") is None


def test_what_comes_from_channels_may_be_anything() -> None:
    assert describe(PNG, is_text=False) == ("image/png", AttachmentKind.IMAGE)
    assert describe(b"OggS" + b"\0" * 60, is_text=False) == ("audio/ogg", AttachmentKind.AUDIO)
    assert describe(b"<svg/>", is_text=True) == ("text/plain", AttachmentKind.DOCUMENT)
    assert describe(b"\1\2", is_text=False) == (
        "application/octet-stream",
        AttachmentKind.DOCUMENT,
    )
    assert content_of(b"", is_text=False) is None
