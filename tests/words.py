"""Words that contacts are described with: tags, custom fields and stages come, change and go."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from models.custom_field import CustomField, CustomFieldKind
from models.lifecycle_stage import LifecycleStage
from models.tag import Tag
from resolvers.contact import update_contact
from resolvers.contact_details import clean_details, in_stage
from resolvers.custom_field import create_custom_field
from resolvers.custom_field_value import GIVEN_AS, GivenValue
from resolvers.lifecycle import create_lifecycle_stage
from resolvers.tag import create_tag, tag_contact
from schema.ids import encode_id
from tests.world import World, run_jobs

TABLES: dict[str, Any] = {"Tag": Tag, "CustomField": CustomField, "LifecycleStage": LifecycleStage}


async def word_ids(kind: str) -> list[str]:
    """Return the ids of all tags, custom fields or lifecycle stages, the oldest first."""
    return [encode_id(kind, row.id) for row in await TABLES[kind].all().order_by("id")]


async def describe(world: World, contact_id: int) -> None:
    """Put tags on a contact, and something in a field of each kind, and them in a stage."""
    owner = await world.owner.viewer()
    tags = [await create_tag(owner, world.workspace.id, name=name) for name in ("VIP", "Press")]
    await tag_contact(owner, contact_id, [tag.id for tag in tags])
    said = {"number": 1.5, "checked": False, "date": date(2026, 11, 25), "time": time(9, 30)}
    texts = {CustomFieldKind.EMAIL: "a@b.test", CustomFieldKind.URL: "https://b.test"}
    values = []
    for kind in CustomFieldKind:
        name = kind.value.title()
        options = ["x"] if kind is CustomFieldKind.LIST else []
        field = await create_custom_field(
            owner, world.workspace.id, name=name, slug=f"my_{name}", kind=kind, options=options
        )
        given: Any = {GIVEN_AS[kind]: said.get(GIVEN_AS[kind], texts.get(kind, "x"))}
        values.append(GivenValue(field.id, **given))
    stage = await create_lifecycle_stage(owner, world.workspace.id, name="Customer")
    details = in_stage(clean_details(), stage.id)
    await update_contact(owner, contact_id, details, values=values)


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody who leads does at random with the words of a workspace."""

    workspace_id: str
    dice: random.Random
    lead: Callable[[str, dict[str, Any]], Awaitable[None]]
    """Uses a mutation with an input."""

    async def change_tags(self) -> None:
        """Tags come, one is called otherwise, and one goes from all contacts."""
        await self._change("Tag", "tagId", lambda _: {})

    async def change_fields(self) -> None:
        """Custom fields come, one is called otherwise, and one goes with what is in it."""
        await self._change(
            "CustomField", "customFieldId", lambda name: {"slug": name}, {"kind": "TEXT"}
        )

    async def change_stages(self) -> None:
        """Lifecycle stages come, one is moved and called otherwise, and one goes."""
        await self._change("LifecycleStage", "lifecycleStageId", lambda _: {"position": 0})

    async def import_file(self) -> None:
        """A file adds two contacts or changes them, and tags one; all go into another file."""
        name = f"I{self.dice.randrange(10**6)}"
        tags = [tag.name for tag in await Tag.all().order_by("id")][:1]
        lines = [f"{name},i@b.test,{';'.join(tags)}", f"{name},j@b.test,"]
        csv = "\n".join(["First name,Email,Tags", *lines])
        given = {"workspaceId": self.workspace_id, "fileName": f"{name}.csv", "csv": csv}
        await self.lead("importContacts", given)
        await self.lead("exportContacts", {"workspaceId": self.workspace_id})
        await run_jobs()

    async def _change(
        self,
        kind: str,
        key: str,
        more: Callable[[str], dict[str, Any]],
        fixed: dict[str, str] | None = None,
    ) -> None:
        name = f"W{self.dice.randrange(10**6)}"
        for ending in "ab":
            word = name + ending
            given = {"workspaceId": self.workspace_id, "name": word, **more(word)}
            await self.lead(f"create{kind}", given | (fixed or {}))
        changed, deleted = self.dice.sample(await word_ids(kind), 2)
        await self.lead(f"update{kind}", {key: changed, "name": name + "c", **more(name + "c")})
        await self.lead(f"delete{kind}", {key: deleted})
