"""`make bench-cuda`: this project's float16 graphs beside torch on a GPU, in one process and at most 8 minutes."""
