"""An HTTP provider for development, tests and the demo: simulated answers, documented billing."""
