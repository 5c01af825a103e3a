"""kubexit: starts and stops the containers of a Kubernetes pod in the right order."""

__version__ = "0.1.0"
