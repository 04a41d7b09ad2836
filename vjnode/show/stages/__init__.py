"""The work of each process of a show: audio, engine, output."""
