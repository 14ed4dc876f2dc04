"""Records that say that something was so or was done, read as their collector's Turtle describes them."""
