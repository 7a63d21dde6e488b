"""The data of the guard's classifiers: loaders of public sets, grammars that generate, and the build that joins them."""
