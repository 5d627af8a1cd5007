"""Relay connections over keyset pages."""

from typing import Any, Generic, TypeVar

import strawberry

from resolvers.page import Page, PageRequest

T = TypeVar("T")


@strawberry.type
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool
    """Whether items follow this page."""
    has_previous_page: bool
    """Whether items precede this page."""
    page: strawberry.Private[Page[Any]]

    @strawberry.field
    def start_cursor(self) -> str | None:
        """The cursor of the first item; null on an empty page."""
        rows = self.page.rows
        return self.page.cursor(rows[0]) if rows else None

    @strawberry.field
    def end_cursor(self) -> str | None:
        """The cursor of the last item; null on an empty page."""
        rows = self.page.rows
        return self.page.end or (self.page.cursor(rows[-1]) if rows else None)


@strawberry.type
class Edge(Generic[T]):
    """An item of a list with its place in it."""

    node: T
    """The item."""
    cursor: str
    """The item's place, for `after` and `before`; it stays true while items arrive."""


@strawberry.type
class Connection(Generic[T]):
    """One page of a list."""

    page: strawberry.Private[Page[Any]]

    @strawberry.field
    def edges(self) -> list[Edge[T]]:
        """The items with their cursors."""
        return [Edge(node=row, cursor=self.page.cursor(row)) for row in self.page.rows]

    @strawberry.field
    def page_info(self) -> PageInfo:
        """Where the page stands."""
        page = self.page
        return PageInfo(has_next_page=page.has_next, has_previous_page=page.has_previous, page=page)

    @strawberry.field
    def nodes(self) -> list[T]:
        """The items alone."""
        return self.page.rows


def page_request(
    first: int | None, after: str | None, last: int | None, before: str | None
) -> PageRequest:
    """Return the request of a page; refuse a size out of range at once."""
    request = PageRequest(first, after, last, before)
    _ = request.size
    return request


def connect(page: Page[Any]) -> Any:
    """Return a page of rows as a connection."""
    return Connection(page=page)
