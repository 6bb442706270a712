# Never reached.
true
