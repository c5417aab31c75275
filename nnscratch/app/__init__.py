"""The terminal: what you type, and what you see."""
