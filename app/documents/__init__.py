"""Documents: kept by content hash, read in a sandboxed child process."""
