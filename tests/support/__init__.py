"""What tests share: small workflows, a stack of real processes, waiting for conditions."""
