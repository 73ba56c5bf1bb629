"""What was learnt from traffic, as mergeable summaries."""
