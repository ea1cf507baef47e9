"""What each hypothesis of a theorem is for: needed with a witness, implied with a proof, or open."""
