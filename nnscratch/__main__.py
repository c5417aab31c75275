"""`python -m nnscratch` is the same as `nnscratch`."""

from nnscratch.cli import main

main()
