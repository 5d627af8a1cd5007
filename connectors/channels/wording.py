"""Wording: how outgoing messages are written in respond.io's JSON."""

from connectors.channels import OutgoingMessage


def worded(message: OutgoingMessage) -> dict[str, object]:
    """Return a message as respond.io writes it; `attachments` has all the files, in our words."""
    reply_to = message.reply_to_external_id
    answers = {"replyTo": {"mId": reply_to}} if reply_to is not None else {}
    if not message.files:
        return {"type": "text", "text": message.text, **answers}
    files = [
        {"type": file.kind, "url": file.url, "fileName": file.file_name}
        | {"contentType": file.content_type, "byteSize": file.byte_size}
        for file in message.files
    ]
    first = {"type": files[0]["type"], "url": files[0]["url"]}
    said = {"text": message.text, "attachment": first, "attachments": files}
    return {"type": "attachment", **said, **answers}
