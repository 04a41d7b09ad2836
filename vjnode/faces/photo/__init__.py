"""A photo becomes a face: it is read, aligned, and the generator is tuned until it draws it."""
