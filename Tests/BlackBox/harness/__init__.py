"""What the black-box tests stand on: the real command, keyrings, providers, browsers."""
