"""One folder a module; none imports another.  Found by folder, described in Turtle."""
