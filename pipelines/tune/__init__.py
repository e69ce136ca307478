"""Finds turn-taking settings on a set of soundbites, in virtual time. It proposes; no configuration is ever changed."""
