"""One of each thing that a workspace offers to choose from, for tests that ask by ids."""

from models.custom_field import CustomFieldKind
from models.member import Member
from resolvers.attachment import create_upload
from resolvers.closing import create_closing_note_category
from resolvers.comment import add_comment
from resolvers.custom_field import create_custom_field
from resolvers.lifecycle import create_lifecycle_stage
from resolvers.snippet import create_snippet
from resolvers.tag import create_tag
from schema.ids import encode_id
from tests.world import Person, World


async def offers(world: World) -> dict[str, str]:
    """Make one of each thing that the workspace offers to choose from, and a file; return their
    ids."""
    viewer, key = await world.owner.viewer(), world.workspace.id
    category = await create_closing_note_category(viewer, key, name="Solved")
    tag = await create_tag(viewer, key, name="VIP")
    field = await create_custom_field(
        viewer, key, name="City", slug="city", kind=CustomFieldKind.TEXT
    )
    stage = await create_lifecycle_stage(viewer, key, name="Customer")
    snippet = await create_snippet(viewer, key, name="Hours", text="9 to 5")
    file = await create_upload(viewer, key, file_name="a.txt", byte_size=5)
    return {
        "attachmentId": encode_id("Attachment", file.id),
        "attachmentIds": encode_id("Attachment", file.id),
        "categoryId": encode_id("ClosingNoteCategory", category.id),
        "customFieldId": encode_id("CustomField", field.id),
        "lifecycleStageId": encode_id("LifecycleStage", stage.id),
        "snippetId": encode_id("Snippet", snippet.id),
        "tagId": encode_id("Tag", tag.id),
    }


async def mention_all(author: Person, conversation_id: int) -> None:
    """Mention everybody of the workspace in a comment: who sees it has a notification."""
    members = await Member.filter(workspace_id=author.member.workspace_id)
    ids = [member.id for member in members]
    viewer = await author.viewer()
    await add_comment(viewer, conversation_id, text="All", mentioned_member_ids=ids)
