"""What a process says about itself: JSON log lines with the fields of the trace."""
