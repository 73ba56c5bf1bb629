"""The generated reference pages: each is a function of the code that returns Markdown."""
