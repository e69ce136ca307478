"""The loop over many conversations: look for better settings, prove them, try them on a few, keep or withdraw them."""
