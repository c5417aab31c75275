"""The page: a server on this computer's own address, for the browser on it and nobody else."""
