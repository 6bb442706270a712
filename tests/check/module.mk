# Stages of `make check`, in order; each is a target check-NAME. tests/check/run-stages times them.
STAGES := build static unit sim fuzz integration vm
