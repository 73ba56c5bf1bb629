"""The providers' prompt-cache rules as a pure state machine."""
