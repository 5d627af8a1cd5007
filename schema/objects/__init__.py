"""One GraphQL object per file."""
