"""The user's own graders: Python functions, programs and HTTP services that score two answers to one request."""
