"""What is looked at before a training: cases, split, time, disk, memory, and what is wrong with any of them."""
