"""Passkeys (WebAuthn) of people who have a password here: keys that never leave a device, in place of a code."""
