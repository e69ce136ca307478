"""Learning from many conversations: tables of what was measured, and questions that every engine answers alike."""
