"""What the terminal shows of a conversation: a screen for people, plain lines for logs and pipes."""
