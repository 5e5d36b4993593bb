"""Apps on phones and desktops: signed in by a one-time code that a signed-in browser hands to them."""
