"""Body mass index, from weight and height."""
