"""What a message has besides its text where it is a mail."""

from tortoise import fields
from tortoise.models import Model

from models.message import Message


class MessageEmail(Model):
    """One for each message of kind EMAIL. Gone with the message.

    Lists are texts with one address, or one Message-ID, on each line.
    """

    message: fields.OneToOneRelation[Message] = fields.OneToOneField(
        "models.Message", related_name="email", primary_key=True
    )
    message_id: int
    subject = fields.TextField()
    sender = fields.CharField(max_length=254)
    recipients = fields.TextField()
    cc = fields.TextField()
    bcc = fields.TextField()
    """Only known of mail from here."""
    header_id = fields.TextField(null=True)
    """The Message-ID. `message.external_id` is it, too, or stands for one that is too long."""
    in_reply_to = fields.TextField(null=True)
    thread_ids = fields.TextField()
    """The Message-IDs of the thread before it, the first one first."""
    html = fields.TextField(null=True)
    """The sanitised HTML of mail from a contact."""

    class Meta:
        table = "message_email"
