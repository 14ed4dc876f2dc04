"""The shared vocabulary: values, units, concepts, slots and resources, and the Turtle that names them.

The bottom room of the house: it imports no other.
"""
