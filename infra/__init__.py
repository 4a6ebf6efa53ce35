"""What provisions and operates Modelloop: build, local stack, command line."""
