"""The helper program: what talks to a network, in a process of its own, with the libraries that this takes."""
