"""MIDI controllers: their messages, what each of their controls does, and their ports."""
