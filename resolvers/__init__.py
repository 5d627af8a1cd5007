"""The doing: resolvers do it."""
