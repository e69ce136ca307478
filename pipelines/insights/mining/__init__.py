"""Hard cases out of recorded conversations: which turns went badly, cut out as soundbites that replay plays."""
