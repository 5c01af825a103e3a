"""What the build knows and the source does not: ci/freeze writes it into its own copy of this file."""

COMMIT = ""
