"""`python -m kubexit`, and the entry of the frozen program."""

from kubexit.cli import main

main()
