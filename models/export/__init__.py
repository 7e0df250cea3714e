"""From a trained network to SavedModels."""
