"""The words that every feature of the decision road shares."""
