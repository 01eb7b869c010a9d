"""The gateway: one message's way from the door to the reply and into the journal."""
