"""What speaks: the voices, how text becomes sayable, and Riva's synthesis service over them."""
