"""What the node shows: the generator, faces, expressions and landmarks."""
