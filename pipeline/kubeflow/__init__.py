"""The graph on Kubeflow Pipelines v2: what is compiled, what is checked, and what runs in each container."""
