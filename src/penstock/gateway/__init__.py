"""The drop-in proxy: a driver of the engine."""
