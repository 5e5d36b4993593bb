"""Find secrets in hook bodies, texts and logs, and put marks in their place."""
