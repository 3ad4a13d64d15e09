"""What routes mean: which route takes a call, and exactly which calls a set of routes sends where."""
