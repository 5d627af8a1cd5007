"""`python -m demo.picture`: takes the README's picture of GraphiQL with a live subscription."""

import asyncio
import itertools
import tempfile
from pathlib import Path

from demo.shop import THREADS
from models.database import migrate

PICTURE = Path(__file__).parents[1] / "docs" / "graphiql.png"
MAX_BYTES = 200_000
SIZE = (1280, 800)
WORDS = "Is the big monstera still there? I would come on Saturday."


async def take(path: Path) -> None:
    """Serve a fresh demo, subscribe in GraphiQL, let a customer write, and save what is seen."""
    from tests.browser import take_picture
    from tests.demo_server import demo_server

    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite://{directory}/picture.db"
        await migrate(url)
        async with demo_server(url) as served:
            numbers = itertools.count()

            async def write() -> None:
                await served.hear(THREADS[0].phone, WORDS, f"picture-{next(numbers)}")

            await take_picture(
                f"{served.url}/graphql",
                path,
                tab="MessageAdded",
                wait_for=WORDS,
                meanwhile=write,
                size=SIZE,
            )


def main() -> None:
    """Take the picture and say how large it is."""
    asyncio.run(take(PICTURE))
    size = PICTURE.stat().st_size
    if size > MAX_BYTES:
        raise SystemExit(f"{PICTURE} has {size} bytes: more than {MAX_BYTES}")
    print(f"Wrote {PICTURE} ({size} bytes).")


if __name__ == "__main__":
    main()
