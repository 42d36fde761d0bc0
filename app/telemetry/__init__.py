"""What a process says about itself: JSON log lines with the fields of the trace. May be imported by all but `app.core` and workflows."""
