"""What is told to other systems about calls: names, spans, and their way to a collector."""
