"""Moving the service: facts, findings, a plan, a journal, acts, a report."""
