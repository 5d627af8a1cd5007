"""Compiled execution answers like graphql-core, byte for byte: operations at random, everybody."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.operations import garnished, plain_documents
from tests.properties import hold
from tests.twins import Twins, counted_executions, make_stage, schema_of
from tests.world import Api, World

EXAMPLES = int(os.environ.get("PARLEY_DIFFERENTIAL_EXAMPLES", "40"))
"""How many operations are compared on each database."""
SDL = schema_of(compiled=False).as_str()


async def test_operations_at_random_are_answered_alike(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await make_stage(api, world)
    twins = Twins(api.hub)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(plain_documents(SDL), st.integers(0, 2**32))
    async def check(plain: str, seed: int) -> None:
        operation = garnished(
            twins.core._schema, plain, seed, stage.ids, stage.cursors, list(stage.viewers)
        )
        for viewer in sorted({operation.viewer, "owner"}):
            left = counts.left
            answer = await twins.compare(
                stage.viewers[viewer], operation.document, operation.variables, operation.name
            )
            if not answer["errors"]:
                assert counts.left == left, f"no plan answered {operation.document}"

    with counted_executions(monkeypatch) as counts:
        await hold(check)
    assert counts.asked > EXAMPLES
    assert counts.answered > EXAMPLES / 2
