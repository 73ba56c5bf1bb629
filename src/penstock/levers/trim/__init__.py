"""What leaves the context, without breaking a conversation."""
