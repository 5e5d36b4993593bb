"""What the product does: feature folders, adapters, configuration and database."""
