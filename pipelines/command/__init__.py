"""How every program begins and ends: nothing here needs a package that may be missing."""
