"""The file whose last layer is trained on a device, and its check."""
