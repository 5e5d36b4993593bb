"""Ledger events of the policy feature."""

from typing import Final

POLICY_PUBLISHED: Final = "policy.published"
POLICY_DRAFT_SAVED: Final = "policy.draft_saved"
POLICY_DRAFT_DELETED: Final = "policy.draft_deleted"

EVENTS: Final[dict[str, str]] = {
    POLICY_PUBLISHED: "A text became the active version; `digest` is its SHA-256, the author's note is content.",
    POLICY_DRAFT_SAVED: "An author kept a draft.",
    POLICY_DRAFT_DELETED: "An author removed a draft.",
}
