"""From raw cells to the vectors that every model sees."""
