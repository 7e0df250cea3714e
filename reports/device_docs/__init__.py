"""What a device bundle says of itself."""
