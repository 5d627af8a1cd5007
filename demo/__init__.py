"""The demo: a small shop's workspace, its simulated customers, and a cluster on one machine."""
