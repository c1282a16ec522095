"""The relay worker: forwards and records the media of calls, a process of its own."""
