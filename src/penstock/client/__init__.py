"""In-process transports for the official SDKs: a driver of the engine."""
