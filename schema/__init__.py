"""The contract: schema says what can be asked."""
