"""What kubexit does besides supervising: each is imported by the starts that ask for it, and none of them needs any configuration."""
