"""The company's own systems behind the tools that steps call.

Imported by `app.insurance.tools`, `app.insurance.demo` and `app.installed`.
"""
