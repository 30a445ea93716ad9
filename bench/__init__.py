"""Load benchmark: the hot endpoints beside the floors they stand on and a peer, in one run (`python -m bench`)."""
