"""The hot path: action, facts, policy, verdict, ledger; and the hold until a person has answered."""
