# A command that fails, in the middle.
false
true
