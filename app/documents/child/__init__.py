"""What runs in the sandboxed child alone, without network, on bytes nobody trusts.

Started by `app.documents.confined`; imported by nobody outside it but for its plain values.
"""
