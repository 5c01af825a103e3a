"""One file a kernel facility, under the names of its man page."""
