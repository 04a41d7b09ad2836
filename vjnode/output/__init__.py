"""Where frames go: one file per output, and the frame clock."""
