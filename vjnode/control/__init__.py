"""Control of the show by a person: parameters, OSC and presets."""
