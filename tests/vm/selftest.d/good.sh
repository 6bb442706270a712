# Passes.
true
