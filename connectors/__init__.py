"""The outside world: connectors reach it."""
