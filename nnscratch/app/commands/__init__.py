"""One file a command: parse its options, call the package, show the result."""
