"""Recording to video files with sound."""
