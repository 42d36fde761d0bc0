"""The company's own systems behind the tools that steps call."""
