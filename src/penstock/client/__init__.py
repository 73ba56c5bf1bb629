"""The in-process driver: official SDK clients whose calls go through the engine."""

from penstock.client.labelling import bypass, pipeline, task
from penstock.client.penstock import Penstock

__all__ = ["Penstock", "bypass", "pipeline", "task"]
