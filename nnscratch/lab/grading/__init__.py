"""Hand-ins: what is checked of them, why it may be wrong, and a process of its own for each."""
