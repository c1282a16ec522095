"""Makes one film of a call: every seat's picture side by side, in a process without key or file."""
