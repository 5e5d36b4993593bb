"""Commands: options in, one call, text or JSON out."""
