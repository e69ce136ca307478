"""One conversation: what comes in, what is decided, what is carried out, and the book of its turns."""
