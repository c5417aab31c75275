"""The page: draw a digit in the browser, and watch the network think and learn."""
