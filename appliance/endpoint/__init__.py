"""What phones and other clients must know of this installation before they sign in, signed by it."""
