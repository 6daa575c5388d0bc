"""From labelled cases to training samples whose soft labels stay soft: prepared on disk, drawn by number, never binarised."""
