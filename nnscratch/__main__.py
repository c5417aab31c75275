"""`python -m nnscratch` is the same as `nnscratch`."""

from nnscratch.app.cli import main

main()
