"""What crosses a function's border: one frozen type each, with one reader and one writer."""
