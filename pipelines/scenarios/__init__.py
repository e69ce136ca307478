"""What is replayed: talks of lines, from folders, recordings and scripts, with their rooms, noises and words."""
