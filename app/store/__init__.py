"""The only SQL of the product. One module per table or view; the hot path is single guarded statements."""
