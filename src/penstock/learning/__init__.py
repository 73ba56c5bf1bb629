"""What is learnt in the background from scored pairs; needs the ``learn`` extra where it is used."""
