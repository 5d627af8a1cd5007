"""The contract: schema says what can be asked."""

from schema import enums

__all__ = ["enums"]
"""The enums are named before any type uses them."""
