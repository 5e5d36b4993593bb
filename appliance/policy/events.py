"""Ledger events of the policy feature."""

from typing import Final

POLICY_PUBLISHED: Final = "policy.published"
POLICY_DRAFT_SAVED: Final = "policy.draft_saved"
POLICY_DRAFT_DELETED: Final = "policy.draft_deleted"
