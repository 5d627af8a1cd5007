"""Names of files, which channels call after who sent them, for who must not see that."""

from pathlib import Path

import pytest

from models.attachment import Attachment
from resolvers.attachment import sign_for_vendor
from resolvers.masking import HIDDEN, Masking, shown_file_name
from tests.test_attachment_messages import MESSAGE, send
from tests.test_masking import switch
from tests.uploading import bring, file_doors, path_of
from tests.world import Api, World

PDF = "application/pdf"


@pytest.mark.parametrize(
    ("name", "content_type", "shown"),
    [
        ("+33612345678.pdf", PDF, f"{HIDDEN}.pdf"),
        ("IMG_336_12_34_56_78_a.PDF", PDF, f"IMG_{HIDDEN}_a.PDF"),
        ("0033612345678.mp3", "audio/mpeg", f"{HIDDEN}.mp3"),
        ("33612345678.7z", "application/octet-stream", f"{HIDDEN}z"),
        ("33612345678.webp", "image/webp", f"{HIDDEN}.webp"),
        ("of zoe@example.com.pdf", PDF, f"of {HIDDEN}.pdf"),
        ("zoe@example.zip", PDF, HIDDEN),  # the end of an address
        ("33612345678", PDF, HIDDEN),
        ("Offer 2026.pdf", PDF, "Offer 2026.pdf"),
    ],
)
def test_a_name_keeps_its_extension(name: str, content_type: str, shown: str) -> None:
    assert shown_file_name(name, content_type, Masking(emails=True)) == shown
    assert shown_file_name(name, content_type, Masking()) == name


async def test_nobody_who_is_masked_gets_a_number_by_a_file(
    api: Api, world: World, tmp_path: Path
) -> None:
    message, ada = await world.hear("Hello"), await world.add("Ada")
    await switch(api, world, phones=True)
    name = "0033612345678.txt"
    async with file_doors(tmp_path) as door:
        made = await bring(api, world, door, world.owner, name, b"Hello")
        sent = await send(api, world.owner, message, made["id"])
        for who, shown in ((world.owner, name), (ada, f"{HIDDEN}.txt")):
            seen = await api.ask(who, MESSAGE, id=sent["message"]["id"])
            [file] = seen["message"]["attachments"]
            assert file["fileName"] == shown
            got = await door.get(path_of(file["url"]))
            assert got.content == b"Hello"
            assert ("33612345678" in str(got.headers)) == (who is world.owner)
        row = await Attachment.get()
        sent_out = await door.get(f"/files/{sign_for_vendor(message.channel_id, row)}")
        assert name in sent_out.headers["content-disposition"]
