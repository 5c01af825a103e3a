"""The benchmark that ci/bench runs: start, stop, memory, idling and size of every form of kubexit, beside what does the same."""
