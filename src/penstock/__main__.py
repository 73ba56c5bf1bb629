"""``python -m penstock`` is the ``penstock`` command."""

from penstock.cli.main import run

if __name__ == "__main__":
    run()
