"""`vrft-eval view`: runs in a browser, while they go on too. Nothing is written, and no run's lock is touched."""
