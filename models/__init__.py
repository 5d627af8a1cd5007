"""The memory: models remember it."""
