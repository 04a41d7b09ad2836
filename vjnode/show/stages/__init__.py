"""What each process of a show does: audio, engine, output."""
