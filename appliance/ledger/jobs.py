"""What the ledger does on a schedule."""

from appliance.job import Job
from appliance.ledger.ledger import Ledger


def jobs(ledger: Ledger, seal_interval_seconds: float) -> tuple[Job, ...]:
    """Sealing; harmless in several processes at once, because only one of them gets the sealer's lock."""

    async def seal() -> None:
        await ledger.seal()

    return (Job(name="ledger.seal", run=seal, every_seconds=seal_interval_seconds),)
