"""Raw files to batches of tf.Example, whole columns at a time, and the rules that split them."""
