"""What hears: the recognisers, how an utterance ends, and Riva's recognition service over them."""
