"""How good predictions turned out to be, once labels came back."""
