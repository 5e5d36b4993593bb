"""What protection says of an action: facts about what it would do, and the secrets in it."""

from appliance.actions.records import Action, Inspection
from appliance.protection.commands.facts import facts_of
from appliance.protection.secrets.scanner import Scanner


class Protection:
    """Inspects actions; one per thread, because the scanner is."""

    def __init__(self, scanner: Scanner) -> None:
        """`scanner` holds the rules and the installation's fingerprint key."""
        self._scanner = scanner

    def inspect(self, action: Action) -> Inspection:
        """Facts, findings, and the masked forms of both; pure, and never raises for what an agent can send."""
        facts = facts_of(action)
        scan = self._scanner.scan(action.body)
        if not scan.findings:
            return Inspection(facts=facts, findings=(), masked=action.body, masked_facts=facts)
        return Inspection(
            facts=facts,
            findings=scan.findings,
            masked=scan.masked,
            masked_facts=scan.masker.mask(facts),
        )

    def mask_text(self, text: str) -> str:
        """`text` with every secret masked: for logs and for what people type."""
        return self._scanner.mask_text(text)
