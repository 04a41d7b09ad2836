"""How a person steers the show: parameters, OSC and presets."""
