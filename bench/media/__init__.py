"""`make bench-media`: the relay beside Janus and aiortc's own MediaRelay, same streams, one run."""
