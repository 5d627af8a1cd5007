"""Our Tortoise engines: whole under cancellation, and with raw SQL beside the ORM."""
