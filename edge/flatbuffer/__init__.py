"""Reading and rewriting the flatbuffer of a .tflite file."""
